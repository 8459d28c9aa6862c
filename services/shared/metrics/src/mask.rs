use std::ops::Range;

use ndarray::ArrayView3;

use crate::{Bounds, bits, labels};

/// A binary mask, cropped to its bounding box: one bit per voxel, rows along x in 64-bit words.
///
/// The bounding box is always tight, so equal sets of voxels are equal masks.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Mask {
    bounds: Bounds,
    /// Voxel `x` of a row is bit `(x - start) % 64` of its word `(x - start) / 64`; the bits after
    /// the end are 0.
    words: Vec<u64>,
    voxels: u64,
}

/// Voxels `x` of row `(z, y)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    pub z: usize,
    pub y: usize,
    pub x: Range<usize>,
}

impl Mask {
    /// The voxels that are `true`; the array's axes are z, y, x.
    pub fn from_view(view: ArrayView3<'_, bool>) -> Self {
        let mut bounds = Bounds::default();
        labels::each_run(view, |z, y, x, _| {
            bounds = bounds.union(&Bounds::of_run(z, y, &x))
        });
        let mut mask = Self::blank(bounds);
        labels::each_run(view, |z, y, x, _| mask.fill(z, y, x));
        mask
    }

    /// The union of runs in any order, such as a polygon's scan lines.
    pub fn from_runs(runs: &[Run]) -> Self {
        let filled = || runs.iter().filter(|run| !run.x.is_empty());
        let boxes = filled().map(|run| Bounds::of_run(run.z, run.y, &run.x));
        let mut mask = Self::blank(boxes.fold(Bounds::default(), |all, one| all.union(&one)));
        for run in filled() {
            mask.fill(run.z, run.y, run.x.clone());
        }
        mask
    }

    /// The bits that are set in rows of `per_row` words along x, of which `start` is the first bit's voxel.
    pub fn from_rows([z, y, x]: [usize; 3], per_row: usize, words: &[u64]) -> Self {
        let rows: Vec<_> = words.chunks_exact(per_row.max(1)).collect();
        let is_set = |row: &&[u64]| row.iter().any(|word| *word != 0);
        let (Some(top), Some(bottom)) =
            (rows.iter().position(is_set), rows.iter().rposition(is_set))
        else {
            return Self::default();
        };
        let rows = &rows[top..=bottom];
        let ends = |row: &&[u64]| Some(bits::first(row)?..bits::last(row)? + 1);
        let ends = rows.iter().filter_map(ends);
        let (left, right) = ends.fold((usize::MAX, 0), |(left, right), row| {
            (left.min(row.start), right.max(row.end))
        });
        let mut mask = Self::blank(Bounds {
            start: [z, y + top, x + left],
            end: [z + 1, y + bottom + 1, x + right],
        });
        let outs = mask.words.chunks_exact_mut((right - left).div_ceil(64));
        for (row, out) in rows.iter().zip(outs) {
            for (at, word) in (left as isize..).step_by(64).zip(out) {
                *word = bits::word_at(row, at);
                mask.voxels += u64::from(word.count_ones());
            }
        }
        mask
    }

    pub fn is_empty(&self) -> bool {
        self.voxels == 0
    }

    pub(crate) fn size_bytes(&self) -> usize {
        size_of_val(&*self.words)
    }

    /// Number of voxels in the mask.
    pub fn voxels(&self) -> u64 {
        self.voxels
    }

    /// The bounding box; an empty one for an empty mask.
    pub fn bounds(&self) -> Bounds {
        self.bounds
    }

    pub fn contains(&self, [z, y, x]: [usize; 3]) -> bool {
        self.word(z as isize, y as isize, x as isize) & 1 == 1
    }

    /// Adds the voxels of another mask.
    pub fn unite(&mut self, other: &Self) {
        if !self.bounds.holds(&other.bounds) {
            let mut grown = Self::blank(self.bounds.union(&other.bounds));
            grown.or(self);
            *self = grown;
        }
        self.or(other);
    }

    /// A mask without voxels that [`Mask::fill`] completes; `bounds` is what it will span.
    pub(crate) fn blank(bounds: Bounds) -> Self {
        let [depth, height, width] = bounds.extent();
        Self {
            bounds,
            words: vec![0; depth * height * width.div_ceil(64)],
            voxels: 0,
        }
    }

    /// Sets voxels inside the bounds.
    pub(crate) fn fill(&mut self, z: usize, y: usize, x: Range<usize>) {
        let row = self.row(z, y);
        let (first, last) = (
            x.start - self.bounds.start[2],
            x.end - 1 - self.bounds.start[2],
        );
        for at in first / 64..=last / 64 {
            let mut bits = u64::MAX;
            if at == first / 64 {
                bits &= u64::MAX << (first % 64);
            }
            if at == last / 64 {
                bits &= u64::MAX >> (63 - last % 64);
            }
            self.set(row.start + at, bits);
        }
    }

    /// The 64 voxels of row `(z, y)` from `x` on, the first in the lowest bit. Outside of the mask,
    /// and of the grid, everything is 0.
    pub(crate) fn word(&self, z: isize, y: isize, x: isize) -> u64 {
        let from = |axis: usize, at: isize| at - self.bounds.start[axis] as isize;
        let [depth, height, width] = self.bounds.extent().map(|n| n as isize);
        let (z, y, x) = (from(0, z), from(1, y), from(2, x));
        if !(0..depth).contains(&z) || !(0..height).contains(&y) || x <= -64 || x >= width {
            return 0;
        }

        let per_row = self.per_row();
        let row = &self.words[(z * height + y) as usize * per_row..][..per_row];
        bits::word_at(row, x)
    }

    /// Adds the voxels of a mask inside the bounds.
    pub(crate) fn or(&mut self, other: &Self) {
        if other.is_empty() {
            return;
        }
        let right = other.bounds.start[2] - self.bounds.start[2];
        let (first, shift) = (right / 64, (right % 64) as isize);
        for z in other.bounds.axis(0) {
            for y in other.bounds.axis(1) {
                let row = &other.words[other.row(z, y)];
                let first = self.row(z, y).start + first;
                // One word more where the shift spills into it; that may be the next row's, and gets 0.
                let outs = self.words[first..].iter_mut().take(row.len() + 1);
                for (at, word) in (-shift..).step_by(64).zip(outs) {
                    let bits = bits::word_at(row, at);
                    self.voxels += u64::from((bits & !*word).count_ones());
                    *word |= bits;
                }
            }
        }
    }

    fn set(&mut self, index: usize, bits: u64) {
        let word = &mut self.words[index];
        self.voxels += u64::from((bits & !*word).count_ones());
        *word |= bits;
    }

    fn per_row(&self) -> usize {
        self.bounds.extent()[2].div_ceil(64)
    }

    fn row(&self, z: usize, y: usize) -> Range<usize> {
        let (z, y) = (z - self.bounds.start[0], y - self.bounds.start[1]);
        let first = (z * self.bounds.extent()[1] + y) * self.per_row();
        first..first + self.per_row()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use ndarray::Array3;
    use proptest::prelude::*;

    use super::*;

    /// Wider than two words, so that runs cross them.
    const GRID: [usize; 3] = [2, 3, 150];

    fn run() -> impl Strategy<Value = Run> {
        (0..GRID[0], 0..GRID[1], 0..=GRID[2], 0..=GRID[2]).prop_map(|(z, y, a, b)| Run {
            z,
            y,
            x: a.min(b)..a.max(b),
        })
    }

    fn runs() -> impl Strategy<Value = Vec<Run>> {
        prop::collection::vec(run(), 0..6)
    }

    fn voxels(runs: &[Run]) -> BTreeSet<[usize; 3]> {
        runs.iter()
            .flat_map(|run| run.x.clone().map(|x| [run.z, run.y, x]))
            .collect()
    }

    fn contents(mask: &Mask) -> BTreeSet<[usize; 3]> {
        ndarray::indices(GRID)
            .into_iter()
            .map(|(z, y, x)| [z, y, x])
            .filter(|&at| mask.contains(at))
            .collect()
    }

    #[test]
    fn a_mask_is_cropped_to_its_voxels() {
        let run = |y, x| Run { z: 1, y, x };
        let mask = Mask::from_runs(&[run(5, 70..71), run(3, 60..66), run(3, 62..64), run(9, 4..4)]);
        assert_eq!(
            mask.bounds(),
            Bounds {
                start: [1, 3, 60],
                end: [2, 6, 71]
            }
        );
        assert_eq!(mask.voxels(), 7);
        assert!(Mask::from_runs(&[run(9, 4..4)]).is_empty());
    }

    #[test]
    fn words_are_read_at_any_offset() {
        let mask = Mask::from_runs(&[Run {
            z: 0,
            y: 0,
            x: 10..110,
        }]);
        assert_eq!(mask.word(0, 0, 10), u64::MAX);
        assert_eq!(mask.word(0, 0, 0), u64::MAX << 10);
        assert_eq!(mask.word(0, 0, -53), 1 << 63);
        assert_eq!(mask.word(0, 0, -54), 0);
        assert_eq!(mask.word(0, 0, 60), u64::MAX >> 14);
        assert_eq!(mask.word(0, 0, 109), 1);
        assert_eq!(mask.word(0, 0, 110), 0);
        assert_eq!(mask.word(-1, 0, 20), 0);
        assert_eq!(mask.word(0, 1, 20), 0);
    }

    proptest! {
        #[test]
        fn a_mask_holds_what_was_put_in(runs in runs()) {
            let expected = voxels(&runs);
            let mask = Mask::from_runs(&runs);
            prop_assert_eq!(mask.voxels() as usize, expected.len());
            prop_assert_eq!(contents(&mask), expected.clone());

            let view = Array3::from_shape_fn(GRID, |(z, y, x)| expected.contains(&[z, y, x]));
            prop_assert_eq!(&Mask::from_view(view.view()), &mask);
        }

        #[test]
        fn rows_of_words_are_cropped_to_what_is_set(runs in runs(), start in (0..9usize, 0..9usize)) {
            let mut words = vec![0; 3 * 3];
            let flat = runs.iter().filter(|run| run.z == 0 && !run.x.is_empty());
            let moved: Vec<_> = flat
                .map(|run| {
                    bits::fill(&mut words[3 * run.y..][..3], run.x.clone());
                    let x = run.x.start + start.1..run.x.end + start.1;
                    Run { z: 7, y: run.y + start.0, x }
                })
                .collect();
            let mask = Mask::from_rows([7, start.0, start.1], 3, &words);
            prop_assert_eq!(mask, Mask::from_runs(&moved));
        }

        #[test]
        fn uniting_is_the_union_whatever_the_order(a in runs(), b in runs()) {
            let all = Mask::from_runs(&[a.clone(), b.clone()].concat());
            for (first, second) in [(&a, &b), (&b, &a)] {
                let mut mask = Mask::from_runs(first);
                mask.unite(&Mask::from_runs(second));
                prop_assert_eq!(&mask, &all);
            }
        }
    }
}
