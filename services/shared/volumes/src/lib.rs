//! Files of labels: readers that trust nothing, and writers.
//!
//! Two formats, one per kind of track: polygons over an image ([`labelme`]) and volumes with a value
//! per voxel ([`nifti`]). A reader is told the size that it has to find, takes no memory that this
//! size does not account for, and answers with labels or with an [`Error`] that names the place and
//! how to mend it. [`Reference`] puts both formats behind one face for whoever scores.

mod canvas;
mod case;
mod error;
mod fillpoly;
mod format;
mod geometry;
mod label;
pub mod labelme;
pub mod nifti;
mod plan;
mod scored;
mod unfit;

pub use canvas::Canvas;
pub use case::{Checked, Reference, check_prediction};
pub use error::{Error, Result};
pub use fillpoly::fill_polygon;
pub use format::{Format, case_of, prediction_name};
pub use geometry::{Geometry, WrongSize};
pub use label::Label;
pub use labelme::{Complaint, Note};
pub use plan::Plan;
pub use scored::{LabelResult, Scored};
pub use unfit::Unfit;
