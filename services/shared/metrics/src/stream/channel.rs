use super::plane::{Extent, Plane};
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
            for at in middle.words() {
                let elements = row.word(at);
                if elements != 0 {
                    let near = other.reach(y, at, elements);
                    self.count_word(y, at, elements, near, tally);
                }
            }
        }
    }

    fn count_word(&self, y: usize, at: usize, mut elements: u64, near: u64, tally: &mut Tally) {
        let [below, above, ..] = &self.voxels;
        let before = y.wrapping_sub(1);
        let rows = [
            below.row(before),
            below.row(y),
            above.row(before),
            above.row(y),
        ];
        let words = rows.map(|row| row.word(at));
        let lasts = rows.map(|row| row.word(at.wrapping_sub(1)) >> 63);
        // Where the surface is flat and faces along z, which is most of an image, 64 are told at once.
        let over = |a: usize| [a, a + 1].map(|i| words[i] & (words[i] << 1 | lasts[i]));
        let under = |a: usize| [a, a + 1].map(|i| words[i] | words[i] << 1 | lasts[i]);
        let ([a, b], [c, d]) = (over(0), under(2));
        let ([e, f], [g, h]) = (over(2), under(0));
        for (flat, code) in [(a & b & !(c | d), 0x0f), (e & f & !(g | h), 0xf0)] {
            tally.count_many(code, flat, near);
            elements &= !flat;
        }
        // The voxel before each corner is one bit below the voxel after it.
        let around: [u128; 4] =
            std::array::from_fn(|i| u128::from(words[i]) << 1 | u128::from(lasts[i]));
        while elements != 0 {
            let bit = elements.trailing_zeros();
            let [a, b, c, d] = around.map(|row| (row >> bit) as usize & 3);
            tally.count(a | b << 2 | c << 4 | d << 6, near >> bit & 1 == 1);
            elements &= elements - 1;
        }
    }

    /// Which of the wanted corners of the middle plane have an element of this side within two voxels:
    /// one of the 33 corners of the ball.
    fn reach(&self, y: usize, at: usize, wanted: u64) -> u64 {
        let [under, below, middle, above, over] = &self.surfaces;
        let here = middle.row(y);
        let word = here.word(at);
        if wanted & !word == 0 {
            return word;
        }
        let (before, after) = (y.wrapping_sub(1), y + 1);
        let two_away = [
            (under, y),
            (over, y),
            (middle, y.wrapping_sub(2)),
            (middle, y + 2),
        ];
        let one_away = [
            (middle, before),
            (middle, after),
            (below, before),
            (below, y),
            (below, after),
            (above, before),
            (above, y),
            (above, after),
        ]
        .map(|(plane, y)| plane.row(y));
        let (left, right) = (at.wrapping_sub(1), at + 1);
        let beside = |at| one_away.iter().fold(0, |all, row| all | row.word(at));
        let straight = two_away
            .iter()
            .fold(0, |all, (plane, y)| all | plane.row(*y).word(at));
        let (last, next) = (here.word(left), here.word(right));
        let wide = word << 2 | last >> 62 | word >> 2 | next << 62;
        // Along x these reach one corner to both sides.
        let (last, now, next) = (last | beside(left), word | beside(at), next | beside(right));
        straight | wide | now | now << 1 | last >> 63 | now >> 1 | next << 63
    }
}
