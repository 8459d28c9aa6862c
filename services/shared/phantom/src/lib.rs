//! Draws dental arches with FDI-labelled teeth: cases with a known answer, for the demo, the tests
//! and the benches.
//!
//! A case is a function of its seed and options, nothing else: the same call gives the same bytes.
//! The pictures imitate what makes the real task hard (neighbours that touch, bone nearly as bright
//! as dentine, missing teeth, metal, noise), not the anatomy of anybody.
//!
//! Orientation is that of the challenge's public cases. An OPG shows the patient from the front: the
//! patient's right (1x, 4x) lies on the picture's left. In a volume the *index* x grows towards the
//! labels 1x and 4x, y towards the back of the head, z upwards.

mod anatomy;
mod cbct;
mod noise;
mod opg;
mod set;

pub use cbct::{CbctCase, CbctOptions, cbct};
pub use opg::{ImageFormat, OpgCase, OpgOptions, opg};
pub use set::{Manifest, ManifestCase, Track, write_set};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("a phantom cannot be drawn with {0}")]
    Options(&'static str),

    #[error(transparent)]
    Image(#[from] image::ImageError),

    #[error(transparent)]
    Io(#[from] std::io::Error),

    #[error(transparent)]
    Json(#[from] serde_json::Error),
}

fn check_likelihoods(values: &[f64]) -> Result<(), Error> {
    if values.iter().all(|value| (0.0..=1.0).contains(value)) {
        return Ok(());
    }
    Err(Error::Options("a likelihood outside 0 to 1"))
}
