//! Counts of surface elements, from which both ways to a surface Dice take their value: integers by
//! kind of element, summed in one order, so that the value does not depend on the way.

use crate::cell;

/// Number of surface elements of each code.
#[derive(Debug, Clone)]
pub(crate) struct Tally {
    /// Those that are far, by their code, then those that are near.
    counts: [u64; 512],
}

impl Default for Tally {
    fn default() -> Self {
        Self { counts: [0; 512] }
    }
}

impl Tally {
    /// Near if the lowest bit says so.
    #[inline]
    pub(crate) fn count(&mut self, code: u8, near: u64) {
        self.counts[(near as usize & 1) << 8 | usize::from(code)] += 1;
    }

    /// A word of elements of one code.
    #[inline]
    pub(crate) fn count_many(&mut self, code: u8, elements: u64, near: u64) {
        if elements != 0 {
            let [far, near] = [elements & !near, elements & near].map(u64::count_ones);
            self.counts[usize::from(code)] += u64::from(far);
            self.counts[256 | usize::from(code)] += u64::from(near);
        }
    }

    /// Area of all elements, in voxel faces.
    pub(crate) fn area(&self) -> f64 {
        let (far, near) = self.counts.split_at(256);
        area(far.iter().zip(near).map(|(far, near)| far + near))
    }

    /// The share of the area that is near; `None` without a surface.
    pub(crate) fn share(&self) -> Option<f64> {
        let all = self.area();
        (all > 0.0).then(|| area(self.counts[256..].iter().copied()) / all)
    }
}

fn area(counts: impl Iterator<Item = u64>) -> f64 {
    counts
        .zip(cell::areas())
        .map(|(count, area)| count as f64 * area)
        .sum()
}
