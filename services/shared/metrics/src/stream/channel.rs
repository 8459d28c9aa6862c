use super::plane::{Extent, Frame, Plane};
use crate::scores::Pair;
use crate::tally::Tally;
use crate::{LabelRun, Mask, Overlap};

/// Two masks that are compared plane by plane: those of a label, or the foregrounds.
///
/// Of each side the last planes are held, four of voxels and five of surface elements: what it takes to
/// know the code of an element and whether the other side has one within two voxels.
#[derive(Debug, Default)]
pub(super) struct Channel {
    /// Of all planes that are held.
    frame: Frame,
    /// Of all voxels since nothing was held.
    extent: Extent,
    sides: [Side; 2],
    /// The plane that comes next; those since the last one held nothing.
    next: usize,
    shared: u64,
    tally: Tally,
}

#[derive(Debug, Default)]
struct Side {
    /// Of the coming plane.
    extent: Extent,
    /// Newest last: of planes z - 3 to z.
    voxels: [Plane; 4],
    /// Newest last: between planes z - 5 and z - 4, …, between z - 1 and z.
    surfaces: [Plane; 5],
    /// What is one step or none along y and x from the three surfaces in the middle.
    boxes: [Plane; 3],
    count: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    Reference = 0,
    Prediction = 1,
}

impl Channel {
    /// To be said of all runs of the coming plane before [`open`](Self::open).
    #[inline]
    pub fn measure(&mut self, of: Of, run: &LabelRun) {
        let side = &mut self.sides[of as usize];
        let x = run.x();
        side.extent.add(run.y as usize, &x);
        side.count += x.len() as u64;
    }

    /// Whether the coming plane has a voxel as far as it was measured.
    pub fn is_touched(&self) -> bool {
        self.sides.iter().any(|side| !side.extent.is_empty())
    }

    /// Voxels of a side so far.
    pub fn count(&self, of: Of) -> u64 {
        self.sides[of as usize].count
    }

    /// Words that the coming plane takes.
    pub fn size(&self) -> usize {
        self.sides.iter().map(|side| side.extent.size()).sum()
    }

    /// Words of a plane that is held.
    pub fn frame_size(&self) -> usize {
        self.frame.size()
    }

    /// Makes room for plane `z`.
    pub fn open(&mut self, z: usize) {
        // What is beyond the reach of the new plane is concluded first.
        while self.next < z && !self.is_blank() {
            self.step();
        }
        self.next = z;
        let [a, b] = &self.sides;
        let coming = a.extent.union(&b.extent);
        self.extent = match self.is_blank() {
            true => coming,
            false => self.extent.union(&coming),
        };
        if !self.frame.holds(&self.extent) {
            self.reframe(Frame::around(&self.extent.with_room()));
        }
        for side in &mut self.sides {
            side.voxels.rotate_left(1);
            side.voxels[3].reset(&self.frame, &std::mem::take(&mut side.extent));
        }
    }

    #[inline]
    pub fn fill(&mut self, of: Of, run: &LabelRun) {
        let side = &mut self.sides[of as usize];
        side.voxels[3].fill(&self.frame, run.y as usize, &run.x());
    }

    /// The surfaces of two masks in memory.
    pub fn tally_of(reference: &Mask, prediction: &Mask) -> Tally {
        let mut channel = Self::default();
        let [a, b] = [reference, prediction].map(Extent::of_mask);
        channel.reframe(Frame::around(&a.union(&b)));
        let all = reference.bounds().union(&prediction.bounds());
        for z in all.axis(0) {
            for (side, mask) in channel.sides.iter_mut().zip([reference, prediction]) {
                side.voxels.rotate_left(1);
                side.voxels[3].become_plane(&channel.frame, mask, z);
            }
            channel.advance();
        }
        channel.conclude();
        channel.tally
    }

    /// After the last run of the plane.
    pub fn close(&mut self) {
        let [reference, prediction] = &self.sides;
        self.shared += reference.voxels[3].shared(&prediction.voxels[3], &self.frame);
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

    fn reframe(&mut self, frame: Frame) {
        for plane in self.sides.iter_mut().flat_map(Side::planes_mut) {
            plane.reframe(&self.frame, &frame);
        }
        self.frame = frame;
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
            side.voxels[3].clear(&self.frame);
        }
        self.advance();
    }

    /// The newest plane is complete: its surface can be had, and that of two planes ago be judged.
    fn advance(&mut self) {
        self.next += 1;
        for side in &mut self.sides {
            side.advance(&self.frame);
        }
        let [reference, prediction] = &self.sides;
        reference.count_elements(prediction, &self.frame, &mut self.tally);
        prediction.count_elements(reference, &self.frame, &mut self.tally);
    }

    fn is_blank(&self) -> bool {
        let is_blank = |side: &Side| {
            let mut planes = side.voxels.iter().chain(&side.surfaces);
            planes.all(Plane::is_empty)
        };
        self.sides.iter().all(is_blank)
    }
}

impl Side {
    fn planes_mut(&mut self) -> impl Iterator<Item = &mut Plane> {
        let held = self.voxels.iter_mut().chain(&mut self.surfaces);
        held.chain(&mut self.boxes)
    }

    fn advance(&mut self, frame: &Frame) {
        self.surfaces.rotate_left(1);
        let [_, _, below, above] = &self.voxels;
        self.surfaces[4].become_surface(frame, below, above);
        self.boxes.rotate_left(1);
        self.boxes[2].become_boxes(frame, &self.surfaces[3]);
    }

    /// Of the elements in the middle of the five surfaces.
    fn count_elements(&self, other: &Self, frame: &Frame, tally: &mut Tally) {
        let middle = &self.surfaces[2];
        let words = middle.words(frame);
        for (at, &elements) in words.clone().zip(&middle.bits[words]) {
            if elements != 0 {
                let near = other.near(at, elements, frame.per_row);
                self.corners(at, frame.per_row).count(elements, near, tally);
            }
        }
    }

    /// Which of the wanted corners of the middle surface have an element within two voxels.
    fn near(&self, at: usize, wanted: u64, per_row: usize) -> u64 {
        let [under, _, middle, _, over] = self.surfaces.each_ref().map(|plane| &plane.bits);
        let word = middle[at];
        if wanted & !word == 0 {
            return word;
        }
        // The 33 corners of the ball: 3 × 3 × 3 of them around the middle, and six two steps away.
        let around = self.boxes.iter().fold(0, |all, plane| all | plane.bits[at]);
        let along_x = word << 2 | middle[at - 1] >> 62 | word >> 2 | middle[at + 1] << 62;
        let along_y = middle[at - 2 * per_row] | middle[at + 2 * per_row];
        around | along_x | along_y | under[at] | over[at]
    }

    fn corners(&self, at: usize, per_row: usize) -> Corners {
        let [below, above, ..] = self.voxels.each_ref().map(|plane| &plane.bits);
        let row = |plane: &[u64], at: usize| [plane[at], plane[at - 1] >> 63];
        let before = at - per_row;
        let rows = [
            row(below, before),
            row(below, at),
            row(above, before),
            row(above, at),
        ];
        Corners(rows)
    }
}

/// The voxels around 64 corners of a row: those after the corners, and the one before the first.
struct Corners([[u64; 2]; 4]);

impl Corners {
    fn count(&self, mut elements: u64, near: u64, tally: &mut Tally) {
        // Where the surface is flat and faces along z, which is most of an image, 64 are told at once.
        let any = self.0.map(|[word, last]| word | word << 1 | last);
        let all = self.0.map(|[word, last]| word & (word << 1 | last));
        let below = all[0] & all[1] & !(any[2] | any[3]);
        let above = all[2] & all[3] & !(any[0] | any[1]);
        for (flat, code) in [(below, 0x0f), (above, 0xf0)] {
            tally.count_many(code, flat, near);
            elements &= !flat;
        }
        // The voxel before each corner is one bit below the voxel after it; both are looked up at once.
        let around = self.0.map(|[word, last]| word << 1 | last);
        let mut left = elements & (u64::MAX >> 1);
        while left != 0 {
            let bit = left.trailing_zeros();
            tally.count(code(around.map(|row| row >> bit)), near >> bit);
            left &= left - 1;
        }
        if elements >> 63 == 1 {
            tally.count(code(self.0.map(|[word, _]| word >> 62)), near >> 63);
        }
    }
}

/// Of the two lowest bits of each row.
fn code(rows: [u64; 4]) -> u8 {
    let [a, b, c, d] = rows.map(|row| row as u8 & 3);
    a | b << 2 | c << 4 | d << 6
}
