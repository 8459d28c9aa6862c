use std::fmt;

use serde::{Deserialize, Serialize};

/// The extent of an image or a volume, in pixels or voxels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Geometry {
    Image { height: u32, width: u32 },
    Volume { x: u32, y: u32, z: u32 },
}

/// A prediction, or a second file of a case, that is not as large as it has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is {found}, the case is {expected}: write the result at the size of the case's image")]
pub struct WrongSize {
    pub expected: Geometry,
    pub found: Geometry,
}

impl Geometry {
    pub fn image(height: u32, width: u32) -> Self {
        Self::Image { height, width }
    }

    /// Axes in the header's order.
    pub fn volume([x, y, z]: [u32; 3]) -> Self {
        Self::Volume { x, y, z }
    }

    /// Pixels or voxels; `u64::MAX` for more than fit.
    pub fn elements(self) -> u64 {
        self.grid()
            .into_iter()
            .try_fold(1_u64, |product, extent| {
                product.checked_mul(u64::from(extent))
            })
            .unwrap_or(u64::MAX)
    }

    /// `[z, y, x]`, as arrays are indexed; an image is a volume of one slice.
    pub fn grid(self) -> [u32; 3] {
        match self {
            Self::Image { height, width } => [1, height, width],
            Self::Volume { x, y, z } => [z, y, x],
        }
    }

    /// Length of the diagonal in pixels or voxels: the worst distance that a metric can report.
    pub fn diagonal(self) -> f64 {
        let extents = match self {
            Self::Image { height, width } => vec![height, width],
            Self::Volume { x, y, z } => vec![x, y, z],
        };
        extents
            .into_iter()
            .map(|extent| f64::from(extent).powi(2))
            .sum::<f64>()
            .sqrt()
    }

    /// Insists on `found` being this size, on every axis and in the number of axes.
    pub fn insist(self, found: Self) -> Result<(), WrongSize> {
        if self == found {
            Ok(())
        } else {
            Err(WrongSize {
                expected: self,
                found,
            })
        }
    }
}

impl fmt::Display for Geometry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Image { height, width } => write!(f, "{height} × {width} (height × width)"),
            Self::Volume { x, y, z } => write!(f, "{x} × {y} × {z} (x × y × z)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_size_names_both() {
        let case = Geometry::image(1127, 1991);
        let error = case.insist(Geometry::image(942, 2000)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "it is 942 × 2000 (height × width), the case is 1127 × 1991 (height × width): \
             write the result at the size of the case's image"
        );
        assert_eq!(case.insist(case), Ok(()));
    }

    #[test]
    fn a_volume_of_one_slice_is_not_an_image() {
        assert!(
            Geometry::image(2, 3)
                .insist(Geometry::volume([3, 2, 1]))
                .is_err()
        );
    }

    #[test]
    fn the_diagonal_of_a_three_by_four_image_is_five() {
        assert_eq!(Geometry::image(3, 4).diagonal(), 5.0);
        assert_eq!(Geometry::volume([2, 3, 6]).diagonal(), 7.0);
    }
}
