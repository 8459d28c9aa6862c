use super::plane::{Extent, Plane, Row};
use crate::scores::Pair;
use crate::tally::Tally;
use crate::{LabelRun, Mask, Overlap};

/// Two masks that are compared plane by plane: those of a label, or the foregrounds.
///
/// Of each side the last planes are held, four of voxels and five of surface elements: what it takes to
/// know the code of an element and whether the other side has one within two voxels.
#[derive(Debug, Default)]
pub(super) struct Channel {
    sides: [Side; 2],
    /// The plane that comes next; those since the last one held nothing.
    next: usize,
    shared: u64,
    tally: Tally,
}

#[derive(Debug, Default)]
struct Side {
    extent: Extent,
    /// Newest last: of planes z - 3 to z.
    voxels: [Plane; 4],
    /// Newest last: between planes z - 5 and z - 4, …, between z - 1 and z.
    surfaces: [Plane; 5],
    count: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    Reference = 0,
    Prediction = 1,
}

impl Channel {
    /// To be said of all runs of the coming plane before [`open`](Self::open).
    pub fn measure(&mut self, of: Of, run: &LabelRun) {
        self.sides[of as usize].extent.add(run.y as usize, &run.x());
    }

    /// Words that the coming plane takes.
    pub fn size(&self) -> usize {
        self.sides.iter().map(|side| side.extent.size()).sum()
    }

    /// Makes room for plane `z`.
    pub fn open(&mut self, z: usize) {
        // What is beyond the reach of the new plane is concluded first.
        while self.next < z && !self.is_blank() {
            self.step();
        }
        self.next = z;
        for side in &mut self.sides {
            side.voxels.rotate_left(1);
            side.voxels[3].reset(&side.extent);
            side.extent = Extent::default();
        }
    }

    pub fn fill(&mut self, of: Of, run: &LabelRun) {
        let side = &mut self.sides[of as usize];
        let x = run.x();
        side.voxels[3].fill(run.y as usize, &x);
        side.count += x.len() as u64;
    }

    /// The surfaces of two masks in memory.
    pub fn tally_of(reference: &Mask, prediction: &Mask) -> Tally {
        let mut channel = Self::default();
        let all = reference.bounds().union(&prediction.bounds());
        for z in all.axis(0) {
            for (side, mask) in channel.sides.iter_mut().zip([reference, prediction]) {
                side.voxels.rotate_left(1);
                side.voxels[3].become_plane(mask, z);
            }
            channel.advance();
        }
        channel.conclude();
        channel.tally
    }

    /// After the last run of the plane.
    pub fn close(&mut self) {
        let [reference, prediction] = &self.sides;
        self.shared += reference.voxels[3].shared(&prediction.voxels[3]);
        self.advance();
    }

    /// The two masks compared, when the last plane was closed.
    pub fn finish(mut self) -> Pair {
        self.conclude();
        let [reference, prediction] = self.sides.map(|side| side.count);
        let overlap = Overlap {
            reference,
            prediction,
            intersection: self.shared,
        };
        Pair::of_counts(&overlap, || self.tally.share())
    }

    fn conclude(&mut self) {
        while !self.is_blank() {
            self.step();
        }
    }

    /// A plane without a voxel.
    fn step(&mut self) {
        for side in &mut self.sides {
            side.voxels.rotate_left(1);
            side.voxels[3].clear();
        }
        self.advance();
    }

    /// The newest plane is complete: its surface can be had, and that of two planes ago be judged.
    fn advance(&mut self) {
        self.next += 1;
        for side in &mut self.sides {
            side.surfaces.rotate_left(1);
            let [_, _, below, above] = &side.voxels;
            side.surfaces[4].become_surface(below, above);
        }
        let [reference, prediction] = &self.sides;
        reference.count_elements(prediction, &mut self.tally);
        prediction.count_elements(reference, &mut self.tally);
    }

    fn is_blank(&self) -> bool {
        let is_blank = |side: &Side| {
            side.voxels
                .iter()
                .chain(&side.surfaces)
                .all(Plane::is_empty)
        };
        self.sides.iter().all(is_blank)
    }
}

impl Side {
    /// Of the elements in the middle of the five surfaces.
    fn count_elements(&self, other: &Self, tally: &mut Tally) {
        let middle = &self.surfaces[2];
        for y in middle.rows() {
            let row = middle.row(y);
            let (near, corners) = (Near::of(other, y), Corners::of(self, y));
            for at in middle.words() {
                let elements = row.word(at);
                if elements != 0 {
                    corners.count(at, elements, near.reach(at, elements), tally);
                }
            }
        }
    }
}

/// The voxels around a row of corners of the middle surface.
struct Corners<'a>([Row<'a>; 4]);

impl<'a> Corners<'a> {
    fn of(side: &'a Side, y: usize) -> Self {
        let [below, above, ..] = &side.voxels;
        let before = y.wrapping_sub(1);
        Self([
            below.row(before),
            below.row(y),
            above.row(before),
            above.row(y),
        ])
    }

    fn count(&self, at: usize, mut elements: u64, near: u64, tally: &mut Tally) {
        let words = self.0.map(|row| row.word(at));
        let lasts = self.0.map(|row| row.word(at.wrapping_sub(1)) >> 63);
        // Where the surface is flat and faces along z, which is most of an image, 64 are told at once.
        let any = |i: usize| words[i] | words[i] << 1 | lasts[i];
        let all = |i: usize| words[i] & (words[i] << 1 | lasts[i]);
        let below = all(0) & all(1) & !(any(2) | any(3));
        let above = all(2) & all(3) & !(any(0) | any(1));
        for (flat, code) in [(below, 0x0f), (above, 0xf0)] {
            tally.count_many(code, flat, near);
            elements &= !flat;
        }
        // The voxel before each corner is one bit below the voxel after it.
        let pair = |i: usize| u128::from(words[i]) << 1 | u128::from(lasts[i]);
        let around = [pair(0), pair(1), pair(2), pair(3)];
        while elements != 0 {
            let bit = elements.trailing_zeros();
            let [a, b, c, d] = around.map(|row| (row >> bit) as usize & 3);
            tally.count(a | b << 2 | c << 4 | d << 6, near >> bit & 1 == 1);
            elements &= elements - 1;
        }
    }
}

/// The surface within two voxels of a row of the middle surface: rows of the 33 corners of the ball, by
/// how far they reach along x.
struct Near<'a> {
    two: Row<'a>,
    one: [Row<'a>; 8],
    none: [Row<'a>; 4],
}

impl<'a> Near<'a> {
    fn of(side: &'a Side, y: usize) -> Self {
        let [under, below, middle, above, over] = &side.surfaces;
        let (before, after) = (y.wrapping_sub(1), y + 1);
        let around = |plane: &'a Plane| [plane.row(before), plane.row(y), plane.row(after)];
        let ([a, b, c], [d, e, f]) = (around(below), around(above));
        Self {
            two: middle.row(y),
            one: [middle.row(before), middle.row(after), a, b, c, d, e, f],
            none: [
                under.row(y),
                over.row(y),
                middle.row(y.wrapping_sub(2)),
                middle.row(y + 2),
            ],
        }
    }

    /// Which of the wanted corners have an element within two voxels.
    fn reach(&self, at: usize, wanted: u64) -> u64 {
        let word = self.two.word(at);
        if wanted & !word == 0 {
            return word;
        }
        let union = |rows: &[Row<'_>], at| rows.iter().fold(0, |all, row| all | row.word(at));
        let (left, right) = (at.wrapping_sub(1), at + 1);
        let (last, next) = (self.two.word(left), self.two.word(right));
        let two = word << 2 | last >> 62 | word >> 2 | next << 62;
        // What reaches two corners along x reaches one as well.
        let (last, next) = (
            last | union(&self.one, left),
            next | union(&self.one, right),
        );
        let now = word | union(&self.one, at);
        let one = now | now << 1 | last >> 63 | now >> 1 | next << 63;
        one | two | union(&self.none, at)
    }
}
