use std::ops::Range;

use crate::{Mask, bits};

/// The smallest rectangle around voxels.
#[derive(Debug, Clone, Default)]
pub(super) struct Extent {
    rows: Range<usize>,
    x: Range<usize>,
}

impl Extent {
    pub fn of_mask(mask: &Mask) -> Self {
        let bounds = mask.bounds();
        Self {
            rows: bounds.axis(1),
            x: bounds.axis(2),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.x.is_empty()
    }

    pub fn add(&mut self, y: usize, x: &Range<usize>) {
        if self.is_empty() {
            (self.rows, self.x) = (y..y + 1, x.clone());
        } else {
            self.rows = self.rows.start.min(y)..self.rows.end.max(y + 1);
            self.x = self.x.start.min(x.start)..self.x.end.max(x.end);
        }
    }

    pub fn union(&self, other: &Self) -> Self {
        Self {
            rows: around(&self.rows, &other.rows),
            x: around(&self.x, &other.x),
        }
    }

    /// How many words of a grid are touched.
    pub fn size(&self) -> usize {
        self.rows.len() * (self.x.start / 64..self.x.end.div_ceil(64)).len()
    }

    /// With an eighth more on each side, so that what grows by a voxel a plane is moved a few times only.
    /// What fits a word stays in it.
    pub fn with_room(&self) -> Self {
        let widened = |range: &Range<usize>| {
            let room = 4 + range.len() / 8;
            range.start.saturating_sub(room)..range.end + room
        };
        Self {
            rows: widened(&self.rows),
            x: match per_row(self.x.len()) {
                1 => self.x.clone(),
                _ => widened(&self.x),
            },
        }
    }
}

/// The smallest range around both; an empty one adds nothing.
fn around(a: &Range<usize>, b: &Range<usize>) -> Range<usize> {
    match (a.is_empty(), b.is_empty()) {
        (true, _) => b.clone(),
        (_, true) => a.clone(),
        _ => a.start.min(b.start)..a.end.max(b.end),
    }
}

/// Bits that stay 0 at both ends of a row, and one for the corner after the last voxel.
fn per_row(width: usize) -> usize {
    (width + 1 + 2 * MARGIN_BITS).div_ceil(64)
}

/// On each side: an element that reaches two corners out of its row ends in the next row's margin.
const MARGIN_BITS: usize = 1;

/// One more, for the word after the last that is looked at.
const MARGIN_ROWS: usize = 3;

/// Where the planes of a channel lie. All have the same rows of the same words, so that a place has one
/// index in every plane, and its neighbours lie at fixed distances from it. The margin around the voxels
/// is never set: a neighbour's index is not out of bounds, and what is shifted out of a row and into the
/// next is 0.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Frame {
    /// Of the first bit of the first row; may lie outside of the grid.
    y: isize,
    x: isize,
    rows: usize,
    pub per_row: usize,
}

impl Frame {
    /// Voxels of this extent lie inside, and the corners around them.
    pub fn around(extent: &Extent) -> Self {
        let per_row = per_row(extent.x.len());
        let room = 64 * per_row - extent.x.len() - 1;
        Self {
            y: extent.rows.start as isize - MARGIN_ROWS as isize,
            x: extent.x.start as isize - (room / 2) as isize,
            rows: extent.rows.len() + 1 + 2 * MARGIN_ROWS,
            per_row,
        }
    }

    pub fn holds(&self, extent: &Extent) -> bool {
        let within = |range: &Range<usize>, start: isize, length: usize, margin: usize| {
            let (start, margin) = (range.start as isize - start, margin as isize);
            start >= margin && start + range.len() as isize + margin < length as isize
        };
        within(&extent.rows, self.y, self.rows, MARGIN_ROWS)
            && within(&extent.x, self.x, 64 * self.per_row, MARGIN_BITS)
    }

    /// Words of a plane.
    pub fn size(&self) -> usize {
        self.rows * self.per_row
    }

    fn row(&self, y: usize) -> usize {
        (y as isize - self.y) as usize
    }
}

/// One plane of a mask or of a surface: a bit for each voxel or corner of a frame.
#[derive(Debug, Default)]
pub(super) struct Plane {
    /// No bit outside of these rows of the frame is set.
    rows: Range<usize>,
    pub bits: Vec<u64>,
}

impl Plane {
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The indices of the words that may have a bit.
    pub fn words(&self, frame: &Frame) -> Range<usize> {
        self.rows.start * frame.per_row..self.rows.end * frame.per_row
    }

    /// Words that lie at a distance from those.
    fn beside(&self, words: &Range<usize>, by: isize) -> &[u64] {
        let place = |at: usize| at.wrapping_add_signed(by);
        &self.bits[place(words.start)..place(words.end)]
    }

    pub fn clear(&mut self, frame: &Frame) {
        let words = self.words(frame);
        self.bits[words].fill(0);
        self.rows = 0..0;
    }

    /// Makes it one that holds nothing yet outside of the extent.
    pub fn reset(&mut self, frame: &Frame, extent: &Extent) {
        self.clear(frame);
        if !extent.is_empty() {
            self.rows = frame.row(extent.rows.start)..frame.row(extent.rows.end);
        }
    }

    /// Keeps its bits in a frame around them.
    pub fn reframe(&mut self, from: &Frame, to: &Frame) {
        let old = std::mem::replace(&mut self.bits, vec![0; to.size()]);
        let words = self.words(from);
        let (down, right) = (from.y - to.y, to.x - from.x);
        let moved = |row: usize| (row as isize + down) as usize;
        if !self.is_empty() {
            self.rows = moved(self.rows.start)..moved(self.rows.end);
        }
        let rows = old[words].chunks_exact(from.per_row.max(1));
        let words = self.words(to);
        let outs = self.bits[words].chunks_exact_mut(to.per_row);
        for (row, out) in rows.zip(outs) {
            for (at, out) in (right..).step_by(64).zip(out) {
                *out = bits::word_at(row, at);
            }
        }
    }

    /// Plane `z` of a mask.
    pub fn become_plane(&mut self, frame: &Frame, mask: &Mask, z: usize) {
        let bounds = mask.bounds();
        if !bounds.axis(0).contains(&z) {
            return self.clear(frame);
        }
        self.reset(frame, &Extent::of_mask(mask));
        let words = self.words(frame);
        let outs = self.bits[words].chunks_exact_mut(frame.per_row);
        for (y, out) in bounds.axis(1).zip(outs) {
            for (x, out) in (frame.x..).step_by(64).zip(out) {
                *out = mask.word(z as isize, y as isize, x);
            }
        }
    }

    /// Sets voxels inside the extent.
    #[inline]
    pub fn fill(&mut self, frame: &Frame, y: usize, x: &Range<usize>) {
        let bit = |x: usize| (x as isize - frame.x) as usize;
        let row = &mut self.bits[frame.row(y) * frame.per_row..][..frame.per_row];
        bits::fill(row, bit(x.start)..bit(x.end));
    }

    /// Number of bits that two planes share.
    pub fn shared(&self, other: &Self, frame: &Frame) -> u64 {
        let (a, b) = (self.words(frame), other.words(frame));
        let both = a.start.max(b.start)..a.end.min(b.end);
        if both.is_empty() {
            return 0;
        }
        let words = self.bits[both.clone()].iter().zip(&other.bits[both]);
        words.map(|(a, b)| u64::from((a & b).count_ones())).sum()
    }

    /// The surface elements between two planes of voxels: corner `(y, x)` is one where the eight
    /// voxels around it are neither all inside nor all outside.
    pub fn become_surface<'a>(&mut self, frame: &Frame, below: &'a Self, above: &'a Self) {
        self.clear(frame);
        let rows = around(&below.rows, &above.rows);
        if rows.is_empty() {
            return;
        }
        self.rows = rows.start..rows.end + 1;
        let (words, row) = (self.words(frame), frame.per_row as isize);
        let around = |plane: &'a Self| {
            let before = plane.beside(&words, -row).iter();
            before.zip(plane.beside(&words, 0))
        };
        let voxels = around(below).zip(around(above));
        let (mut any_last, mut all_last) = (0, 0);
        for (out, ((a, b), (c, d))) in self.bits[words.clone()].iter_mut().zip(voxels) {
            let (any, all) = (a | b | c | d, a & b & c & d);
            let is_any = any | any << 1 | any_last >> 63;
            let are_all = all & (all << 1 | all_last >> 63);
            *out = is_any & !are_all;
            (any_last, all_last) = (any, all);
        }
    }

    /// What is no more than one step along y and one along x from a bit of `other`.
    pub fn become_boxes(&mut self, frame: &Frame, other: &Self) {
        self.clear(frame);
        if other.is_empty() {
            return;
        }
        self.rows = other.rows.start - 1..other.rows.end + 1;
        let (words, row) = (self.words(frame), frame.per_row as isize);
        let column = |at: usize| [-row, 0, row].map(|by| other.bits[at.wrapping_add_signed(by)]);
        let [a, b, c] = column(words.start);
        let (mut last, mut now) = (0, a | b | c);
        let [before, here, after] = [-row, 0, row].map(|by| other.beside(&words, by + 1).iter());
        let nexts = before.zip(here).zip(after);
        for (out, ((a, b), c)) in self.bits[words].iter_mut().zip(nexts) {
            let next = a | b | c;
            *out = now | now << 1 | last >> 63 | now >> 1 | next << 63;
            (last, now) = (now, next);
        }
    }
}
