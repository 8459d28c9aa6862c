//! What voxels are stored as, and the labels that they stand for.

use super::Fault;
use super::header::Scaling;
use crate::error::Error;

pub(super) enum BadVoxel {
    NotFinite,
    Fractional(f64),
    OutOfRange(f64),
}

impl BadVoxel {
    pub fn at(self, at: [u32; 3]) -> Error {
        Error::Nifti(match self {
            Self::NotFinite => Fault::NotFinite { at },
            Self::Fractional(value) => Fault::Fractional { at, value },
            Self::OutOfRange(value) => Fault::OutOfRange { at, value },
        })
    }
}

/// A type that voxels are stored as.
pub(super) trait Stored: Copy + PartialEq {
    const SIZE: usize;

    fn from_le(bytes: &[u8]) -> Self;
    fn from_be(bytes: &[u8]) -> Self;
    fn label(self, scaling: Option<Scaling>) -> Result<i32, BadVoxel>;
    fn value(self) -> f64;
}

macro_rules! stored {
    ($($stored:ty)*) => {$(
        impl Stored for $stored {
            const SIZE: usize = size_of::<Self>();

            #[inline]
            fn from_le(bytes: &[u8]) -> Self {
                Self::from_le_bytes(std::array::from_fn(|index| bytes[index]))
            }

            #[inline]
            fn from_be(bytes: &[u8]) -> Self {
                Self::from_be_bytes(std::array::from_fn(|index| bytes[index]))
            }

            // A 64-bit integer that f64 rounds is far out of range either way.
            fn label(self, scaling: Option<Scaling>) -> Result<i32, BadVoxel> {
                label_of(self as f64, scaling)
            }

            #[inline]
            fn value(self) -> f64 {
                self as f64
            }
        }
    )*};
}

stored!(u8 i8 u16 i16 u32 i32 u64 i64 f32 f64);

fn label_of(stored: f64, scaling: Option<Scaling>) -> Result<i32, BadVoxel> {
    let value = scaling.map_or(stored, |s| stored * s.slope + s.intercept);
    if !value.is_finite() {
        Err(BadVoxel::NotFinite)
    } else if value.fract() != 0.0 {
        Err(BadVoxel::Fractional(value))
    } else if value < f64::from(i32::MIN) || value > f64::from(i32::MAX) {
        Err(BadVoxel::OutOfRange(value))
    } else {
        Ok(value as i32)
    }
}
