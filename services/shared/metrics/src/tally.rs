//! Counts of surface elements, from which both ways to a surface Dice take their value: integers by
//! kind of element, summed in one order, so that the value does not depend on the way.

use crate::cell;

/// Number of surface elements of each code.
#[derive(Debug, Clone)]
pub(crate) struct Tally {
    all: [u64; 256],
    near: [u64; 256],
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            all: [0; 256],
            near: [0; 256],
        }
    }
}

impl Tally {
    #[inline]
    pub(crate) fn count(&mut self, code: usize, is_near: bool) {
        self.all[code] += 1;
        self.near[code] += u64::from(is_near);
    }

    /// A word of elements of one code.
    #[inline]
    pub(crate) fn count_many(&mut self, code: usize, elements: u64, near: u64) {
        if elements != 0 {
            self.all[code] += u64::from(elements.count_ones());
            self.near[code] += u64::from((elements & near).count_ones());
        }
    }

    /// Area of all elements, in voxel faces.
    pub(crate) fn area(&self) -> f64 {
        area(&self.all)
    }

    /// The share of the area that is near; `None` without a surface.
    pub(crate) fn share(&self) -> Option<f64> {
        let all = self.area();
        (all > 0.0).then(|| area(&self.near) / all)
    }
}

fn area(counts: &[u64; 256]) -> f64 {
    counts
        .iter()
        .zip(cell::areas())
        .map(|(&count, area)| count as f64 * area)
        .sum()
}
