//! Segmentation metrics of the STS 2024 tooth challenges.
//!
//! A [`Segmentation`] holds one cropped bit [`Mask`] per label and their union; [`protocol_scores`]
//! compares two of them. Its lengths are in voxels, the spacing is 1 on every axis, and a 2D image is
//! a volume of one slice. Axes are `[z, y, x]`, but no value depends on their order.
//!
//! A [`StreamScorer`] computes the same while volumes are read, plane by plane, and holds a few planes of
//! each label only. [`measure()`] computes any choice of [`Measure`]s by name: the protocol's, surface distances in mm at
//! the real [`Spacing`], panoptic quality and detection, and means over groups of labels.
//! [`Measure::description`] says what each is and how it differs from the package people know.
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

/// Of this crate: a value of any measure changes with it only, see `tests/golden`.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

mod bits;
mod bounds;
mod catalogue;
mod cell;
mod distance;
mod elements;
mod error;
mod groups;
mod joint;
mod labels;
mod mask;
mod matching;
mod measure;
mod measured;
mod metric;
mod overlap;
mod panoptic;
mod scores;
mod segmentation;
mod spacing;
mod stream;
mod surface;
mod surface_distance;
mod tally;

pub use bounds::Bounds;
pub use catalogue::Description;
pub use error::{Error, Side};
pub use groups::Groups;
pub use joint::JointCounts;
pub use labels::{MAX_LABELS, Voxel};
pub use mask::{Mask, Run};
pub use matching::{MATCH_THRESHOLD, Match, Matching};
pub use measure::{Detection, Measure, Quantity, Tolerance};
pub use measured::{Context, Measured, measure};
pub use metric::Metric;
pub use overlap::Overlap;
pub use panoptic::Panoptic;
pub use scores::{CaseScores, LabelScore, protocol_scores};
pub use segmentation::Segmentation;
pub use spacing::Spacing;
pub use stream::{LabelRun, StreamScorer, label_runs};
pub use surface::{TOLERANCE, surface_area, surface_dice};
pub use surface_distance::{MAX_ELEMENTS, SurfaceDistances};
