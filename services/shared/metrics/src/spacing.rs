use std::ops::RangeInclusive;

use crate::Error;

/// From a nanometre to a kilometre: beyond, squares and areas would leave the range of numbers.
const MM: RangeInclusive<f64> = 1e-6..=1e6;

/// How far apart neighbouring voxels are along z, y, x, in mm; from 1e-6 to 1e6.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spacing([f64; 3]);

impl Spacing {
    /// Lengths in voxels, as the challenge's protocol counts them.
    pub const UNIT: Self = Self([1.0; 3]);

    pub fn new(mm: [f64; 3]) -> Result<Self, Error> {
        match mm.iter().find(|mm| !MM.contains(mm)) {
            None => Ok(Self(mm)),
            Some(mm) => Err(Error::Spacing { mm: mm.to_string() }),
        }
    }

    pub fn mm(self) -> [f64; 3] {
        self.0
    }

    /// From corner to corner of a grid, `[z, y, x]`: no surface distance in it is longer.
    pub fn diagonal_mm(self, grid: [usize; 3]) -> f64 {
        let sides = [0, 1, 2].map(|axis| grid[axis] as f64 * self.0[axis]);
        sides.iter().map(|mm| mm * mm).sum::<f64>().sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spacing_is_finite_and_positive() {
        for bad in [0.0, -0.3, 1e-200, f64::NAN, f64::INFINITY] {
            let mm = bad.to_string();
            assert_eq!(Spacing::new([1.0, bad, 1.0]), Err(Error::Spacing { mm }));
        }
        assert_eq!(Spacing::new([1.0; 3]), Ok(Spacing::UNIT));
    }

    #[test]
    fn the_diagonal_is_that_of_the_grid() {
        let spacing = Spacing::new([0.5, 1.0, 4.0]).unwrap();
        assert_eq!(spacing.diagonal_mm([8, 3, 3]), 13.0);
    }
}
