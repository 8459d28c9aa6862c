use std::ops::Range;

use crate::Mask;

/// One plane of a mask or of a surface: a bit per voxel or corner, in words whose first bit is a
/// multiple of 64 along x, so that the words of any two planes lie over each other.
#[derive(Debug, Clone, Default)]
pub(super) struct Plane {
    rows: Range<usize>,
    /// Words of each row.
    words: Range<usize>,
    bits: Vec<u64>,
}

/// The voxels that a plane will hold: the smallest rectangle around all runs that were added.
#[derive(Debug, Clone, Default)]
pub(super) struct Extent {
    rows: Range<usize>,
    x: Range<usize>,
}

impl Extent {
    pub fn add(&mut self, y: usize, x: &Range<usize>) {
        if self.x.is_empty() {
            (self.rows, self.x) = (y..y + 1, x.clone());
        } else {
            self.rows = self.rows.start.min(y)..self.rows.end.max(y + 1);
            self.x = self.x.start.min(x.start)..self.x.end.max(x.end);
        }
    }

    fn words(&self) -> Range<usize> {
        self.x.start / 64..self.x.end.div_ceil(64)
    }

    /// How many words a plane of this extent takes.
    pub fn size(&self) -> usize {
        self.rows.len() * self.words().len()
    }
}

/// One row of a plane; empty outside of it.
#[derive(Clone, Copy)]
pub(super) struct Row<'a> {
    start: usize,
    words: &'a [u64],
}

impl Row<'_> {
    /// 0 outside of the plane.
    #[inline]
    pub fn word(self, at: usize) -> u64 {
        let inside = self.words.get(at.wrapping_sub(self.start));
        inside.copied().unwrap_or(0)
    }
}

impl Plane {
    pub fn is_empty(&self) -> bool {
        self.bits.is_empty()
    }

    pub fn rows(&self) -> Range<usize> {
        self.rows.clone()
    }

    pub fn words(&self) -> Range<usize> {
        self.words.clone()
    }

    /// Without a bit, and with the memory that it had.
    pub fn clear(&mut self) {
        (self.rows, self.words) = Default::default();
        self.bits.clear();
    }

    pub fn reset(&mut self, extent: &Extent) {
        self.shape(extent.rows.clone(), extent.words());
    }

    /// Plane `z` of a mask.
    pub fn become_plane(&mut self, mask: &Mask, z: usize) {
        let bounds = mask.bounds();
        if !bounds.axis(0).contains(&z) {
            return self.clear();
        }
        let extent = Extent {
            rows: bounds.axis(1),
            x: bounds.axis(2),
        };
        self.reset(&extent);
        let (rows, words) = (self.rows(), self.words());
        for (y, out) in rows.zip(self.bits.chunks_exact_mut(words.len())) {
            for (at, out) in words.clone().zip(out) {
                *out = mask.word(z as isize, y as isize, 64 * at as isize);
            }
        }
    }

    fn shape(&mut self, rows: Range<usize>, words: Range<usize>) {
        self.bits.clear();
        self.bits.resize(rows.len() * words.len(), 0);
        (self.rows, self.words) = (rows, words);
    }

    /// Sets bits inside the extent.
    pub fn fill(&mut self, y: usize, x: &Range<usize>) {
        let row = (y - self.rows.start) * self.words.len();
        let (first, last) = (x.start / 64, (x.end - 1) / 64);
        let words = &mut self.bits[row + first - self.words.start..=row + last - self.words.start];
        let (head, tail) = (
            u64::MAX << (x.start % 64),
            u64::MAX >> (63 - (x.end - 1) % 64),
        );
        match words {
            [word] => *word |= head & tail,
            [start, inner @ .., end] => {
                *start |= head;
                inner.fill(u64::MAX);
                *end |= tail;
            }
            [] => {}
        }
    }

    #[inline]
    pub fn row(&self, y: usize) -> Row<'_> {
        let words = if self.rows.contains(&y) {
            let first = (y - self.rows.start) * self.words.len();
            &self.bits[first..first + self.words.len()]
        } else {
            &[]
        };
        Row {
            start: self.words.start,
            words,
        }
    }

    /// Number of bits that two planes share.
    pub fn shared(&self, other: &Self) -> u64 {
        let rows = self.rows.start.max(other.rows.start)..self.rows.end.min(other.rows.end);
        let words = self.words.start.max(other.words.start)..self.words.end.min(other.words.end);
        let of_row = |y| {
            let (a, b) = (self.row(y), other.row(y));
            let bits = words
                .clone()
                .map(|at| (a.word(at) & b.word(at)).count_ones());
            bits.map(u64::from).sum::<u64>()
        };
        rows.map(of_row).sum()
    }

    /// The surface elements between two planes of voxels: corner `(y, x)` is one where the eight
    /// voxels around it are neither all inside nor all outside.
    pub fn become_surface(&mut self, below: &Self, above: &Self) {
        if below.is_empty() && above.is_empty() {
            return self.clear();
        }
        let around = |a: Range<usize>, b: Range<usize>| match (a.is_empty(), b.is_empty()) {
            (true, _) => b,
            (_, true) => a,
            _ => a.start.min(b.start)..a.end.max(b.end),
        };
        let rows = around(below.rows(), above.rows());
        let words = around(below.words(), above.words());
        // One corner more than voxels; the last may fall into a word of its own.
        let spills = [below, above].into_iter().any(Self::reaches_its_end);
        self.shape(
            rows.start..rows.end + 1,
            words.start..words.end + usize::from(spills),
        );
        let (rows, words) = (self.rows(), self.words());
        for (y, out) in rows.zip(self.bits.chunks_exact_mut(words.len())) {
            let before = y.wrapping_sub(1);
            let around = [
                below.row(before),
                below.row(y),
                above.row(before),
                above.row(y),
            ];
            let (mut any_last, mut all_last) = (0, 0);
            for (at, out) in words.clone().zip(out) {
                let [a, b, c, d] = around.map(|row| row.word(at));
                let (any, all) = (a | b | c | d, a & b & c & d);
                let is_any = any | any << 1 | any_last >> 63;
                let are_all = all & (all << 1 | all_last >> 63);
                *out = is_any & !are_all;
                (any_last, all_last) = (any, all);
            }
        }
    }

    fn reaches_its_end(&self) -> bool {
        let width = self.words.len();
        width > 0
            && self
                .bits
                .chunks_exact(width)
                .any(|row| row[width - 1] >> 63 == 1)
    }
}
