//! Segmentation metrics of the STS 2024 tooth challenges.
//!
//! A [`Segmentation`] holds one cropped bit [`Mask`] per label and their union; [`protocol_scores`]
//! compares two of them. Lengths are in voxels, the spacing is 1 on every axis, and a 2D image is a
//! volume of one slice. Axes are `[z, y, x]`, but no value depends on their order.
//!
//! Pure numbers, no I/O: how a file becomes a label volume, and what a missing or unreadable
//! prediction scores, is decided elsewhere.
//!
//! ```
//! use molar_metrics::{Segmentation, protocol_scores};
//! use ndarray::{Array3, s};
//!
//! let mut reference = Array3::<u8>::zeros((8, 8, 8));
//! reference.slice_mut(s![2..6, 2..6, 2..6]).fill(11);
//! let mut prediction = reference.clone();
//! prediction.slice_mut(s![2..4, .., ..]).fill(0);
//!
//! let reference = Segmentation::from_labels(reference.view())?;
//! let prediction = Segmentation::from_labels_against(prediction.view(), &reference)?;
//! let scores = protocol_scores(&reference, &prediction)?;
//! assert_eq!(scores.instance_iou, 0.5);
//! assert_eq!(scores.ia, 0.0);
//! # Ok::<(), molar_metrics::Error>(())
//! ```

mod bounds;
mod cell;
mod error;
mod labels;
mod mask;
mod metric;
mod overlap;
mod scores;
mod segmentation;
mod stream;
mod surface;
mod tally;

pub use bounds::Bounds;
pub use error::Error;
pub use labels::{MAX_LABELS, Voxel};
pub use mask::{Mask, Run};
pub use metric::Metric;
pub use overlap::Overlap;
pub use scores::{CaseScores, LabelScore, protocol_scores};
pub use segmentation::Segmentation;
pub use stream::{LabelRun, StreamScorer, label_runs};
pub use surface::{TOLERANCE, surface_area, surface_dice};
