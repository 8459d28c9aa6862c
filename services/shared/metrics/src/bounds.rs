use std::ops::Range;

/// A box in the grid, `[z, y, x]`, ends excluded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Bounds {
    pub start: [usize; 3],
    pub end: [usize; 3],
}

impl Bounds {
    pub fn is_empty(&self) -> bool {
        (0..3).any(|axis| self.start[axis] >= self.end[axis])
    }

    pub fn extent(&self) -> [usize; 3] {
        [0, 1, 2].map(|axis| self.end[axis].saturating_sub(self.start[axis]))
    }

    pub(crate) fn axis(&self, axis: usize) -> Range<usize> {
        self.start[axis]..self.end[axis]
    }

    /// Number of voxels in the box.
    pub(crate) fn volume(&self) -> usize {
        self.extent().iter().product()
    }

    pub(crate) fn of_run(z: usize, y: usize, x: &Range<usize>) -> Self {
        Self {
            start: [z, y, x.start],
            end: [z + 1, y + 1, x.end],
        }
    }

    pub(crate) fn holds(&self, other: &Self) -> bool {
        other.is_empty() || self.union(other) == *self
    }

    /// The smallest box around both; an empty one adds nothing.
    pub(crate) fn union(&self, other: &Self) -> Self {
        match (self.is_empty(), other.is_empty()) {
            (_, true) => *self,
            (true, false) => *other,
            (false, false) => Self {
                start: [0, 1, 2].map(|axis| self.start[axis].min(other.start[axis])),
                end: [0, 1, 2].map(|axis| self.end[axis].max(other.end[axis])),
            },
        }
    }

    pub(crate) fn intersection(&self, other: &Self) -> Self {
        Self {
            start: [0, 1, 2].map(|axis| self.start[axis].max(other.start[axis])),
            end: [0, 1, 2].map(|axis| self.end[axis].min(other.end[axis])),
        }
    }
}
