use crate::label::Label;
use crate::labelme::Complaint;

/// Why a readable file cannot be a reference.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Unfit {
    #[error("the reference has no label: there is nothing to score against")]
    NoLabel,
    #[error(
        "label {label} of the reference has no pixel inside the image: leave it out, or move it in"
    )]
    WithoutPixel { label: Label },
    #[error(
        "the labels are scattered over too much of the volume: each is held as the box around it"
    )]
    Scattered,
    /// Told where it is asked for: the protocol's own metrics ignore the spacing.
    #[error(
        "the header's voxels are {mm:?} mm along x, y and z: save the volume with the size of its voxels"
    )]
    Spacing { mm: [f64; 3] },
    #[error("{0}")]
    Complaint(Complaint),
}
