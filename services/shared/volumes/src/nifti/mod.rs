//! NIfTI-1 and NIfTI-2 volumes in one file, plain or gzipped, of either byte order.

mod header;
mod labels;
mod planes;
mod slices;
mod stream;
mod voxel;
mod write;

use crate::geometry::Geometry;

pub use header::{Datatype, Header, read_header};
pub(crate) use labels::read_label_set;
pub use labels::{LabelVolume, read_labels};
pub use planes::Planes;
pub use slices::{Slice, Slices, read_slices};
pub use write::{Element, write_labels, write_u16};

/// What a volume may be before any of its voxels are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Refuse any other size.
    pub expected: Option<Geometry>,
    /// Where no size is expected. Reading takes up to 16 bytes per voxel of one plane.
    pub max_voxels: u64,
}

/// Twice the largest case of the challenge, 640 × 640 × 448.
impl Default for Limits {
    fn default() -> Self {
        Self {
            expected: None,
            max_voxels: 400_000_000,
        }
    }
}

impl Limits {
    pub fn expecting(geometry: Geometry) -> Self {
        Self {
            expected: Some(geometry),
            max_voxels: geometry.elements(),
        }
    }
}

/// Why a file is not a volume of labels. Voxels are counted from 0, in the header's axes x, y, z.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Fault {
    #[error(
        "the labels are too rough to measure distances of: remove what is smaller than a tooth, as by keeping \
         the largest piece of each label"
    )]
    Rough,
    #[error("the gzip stream is damaged ({problem}): compress and upload the file again")]
    Gzip { problem: String },
    #[error("the file ends inside its header, after {bytes} bytes: write and upload it again")]
    HeaderTruncated { bytes: usize },
    #[error(
        "this is not a NIfTI file (its header starts with {start:02x?}): save the volume as .nii.gz"
    )]
    NotNifti { start: [u8; 4] },
    #[error(
        "the header's voxels are in a second file (magic \"ni1\"): save the volume as one .nii.gz"
    )]
    TwoFiles,
    #[error("the header's dim is {dim:?}: save one volume with three axes of 1 voxel or more")]
    Dimensions { dim: [i64; 8] },
    #[error("the volume has {voxels} voxels, at most {limit} are read: save it at the case's size")]
    TooManyVoxels { voxels: u64, limit: u64 },
    #[error("datatype {code} holds no labels: save the volume as uint8 or another integer type")]
    Datatype { code: i16 },
    #[error("vox_offset is {offset}: the voxels have to start after the header, as at 352")]
    Offset { offset: f64 },
    #[error(
        "the file ends at voxel {voxels} of {expected} ({geometry}): write and upload it again"
    )]
    Truncated {
        voxels: u64,
        expected: u64,
        geometry: Geometry,
    },
    #[error("there are bytes after the last voxel: save the volume again, with the right dim")]
    TrailingBytes,
    #[error("voxel {at:?} is not a finite number: write whole numbers, 0 for background")]
    NotFinite { at: [u32; 3] },
    #[error(
        "voxel {at:?} is {value}: write whole numbers (interpolate labels by nearest neighbour)"
    )]
    Fractional { at: [u32; 3], value: f64 },
    #[error(
        "voxel {at:?} is {value}: write the labels themselves, between -2147483648 and 2147483647"
    )]
    OutOfRange { at: [u32; 3], value: f64 },
    #[error("there are more than {limit} different values: this is an image, not a label volume")]
    TooManyLabels { limit: usize },
    #[error("the labels are scattered like noise: save the label volume, one value per tooth")]
    Scattered,
}

#[cfg(test)]
mod tests;
