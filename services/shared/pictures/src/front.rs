use std::ops::Range;

use crate::axis::Axis;
use crate::cells::Cells;
use crate::joint::{Class, Segment};
use crate::palette::{self, BLACK, Colour, INK};
use crate::panel::Panel;

/// More columns or slices are counted together: the picture is no larger.
const BINS: u32 = 1024;

/// Voxels of each class.
type Voxels = [u64; Class::ALL.len()];

/// What a volume holds when it is looked through from front to back.
#[derive(Debug, Clone)]
pub struct Front {
    columns: Axis,
    slices: Axis,
    /// Those behind one another; slices from the lowest.
    voxels: Cells<Voxels>,
}

impl Front {
    pub fn new(width: u32, depth: u32) -> Self {
        let [columns, slices] =
            [width, depth].map(|extent| Axis::new(&(0..extent), extent.min(BINS)));
        Self {
            columns,
            slices,
            voxels: Cells::new(columns.drawn(), slices.drawn()),
        }
    }

    pub fn add(&mut self, z: u32, segment: &Segment<'_>) {
        for row in self.slices.showing(&(z..z + 1)) {
            for column in self.columns.showing(&segment.x) {
                let mut voxels = self.voxels.at(column, row);
                voxels[segment.class() as usize] += self.columns.shared(column, &segment.x);
                self.voxels.put(column, row, voxels);
            }
        }
    }

    /// Each column of voxels in the colour of its most frequent error, the brighter the more errors lie
    /// in it, before the grey shape of all that is labelled. The top is above, the columns run from right
    /// to left, and a dashed line tells where slice `z` lies.
    pub fn panel(&self, columns: Axis, slices: Axis, z: u32) -> Panel {
        let behind = self.behind(columns, slices);
        let most = behind.each().map(|(_, _, voxels)| errors(&voxels)).max();
        let mut pixels = Cells::new(behind.width, behind.height);
        for (x, y, voxels) in behind.each() {
            pixels.put(x, y, colour(&voxels, most.unwrap_or(0)));
        }
        if self.slices.drawn() > 1 {
            let line = slices.showing(&(z..z + 1));
            let line = behind.height - 1 - (line.start + line.end) / 2;
            for x in (0..behind.width).filter(|x| x % 12 < 6) {
                pixels.put(x, line, Some(INK));
            }
        }
        Panel {
            pixels: pixels.mirrored(),
            numbers: Vec::new(),
        }
    }

    fn behind(&self, columns: Axis, slices: Axis) -> Cells<Voxels> {
        let mut behind = Cells::new(columns.drawn(), slices.drawn());
        for y in 0..behind.height {
            let rows = self.slices.showing(&slices.shown_by(behind.height - 1 - y));
            for x in 0..behind.width {
                let columns = self.columns.showing(&columns.shown_by(x));
                behind.put(x, y, self.sum(columns, rows.clone()));
            }
        }
        behind
    }

    fn sum(&self, columns: Range<u32>, rows: Range<u32>) -> Voxels {
        let mut sum = Voxels::default();
        for (x, y) in rows.flat_map(|y| columns.clone().map(move |x| (x, y))) {
            let voxels = self.voxels.at(x, y);
            sum.iter_mut()
                .zip(voxels)
                .for_each(|(sum, voxels)| *sum += voxels);
        }
        sum
    }
}

fn errors(voxels: &Voxels) -> u64 {
    voxels[1..].iter().sum()
}

fn colour(voxels: &Voxels, most: u64) -> Option<Colour> {
    let shape = palette::mix(BLACK, palette::of_class(Class::Right), 0.6);
    let worst = Class::ALL[1..]
        .iter()
        .max_by_key(|class| voxels[**class as usize]);
    match (worst, errors(voxels)) {
        (Some(worst), errors @ 1..) => {
            let share = (errors as f64 / most as f64).sqrt();
            Some(palette::mix(shape, palette::of_class(*worst), share))
        }
        _ => (voxels[Class::Right as usize] > 0).then_some(shape),
    }
}

#[cfg(test)]
mod tests {
    use image::Rgb;

    use super::*;

    fn segment<'a>(
        y: u32,
        x: Range<u32>,
        reference: &'a [i32],
        prediction: &'a [i32],
    ) -> Segment<'a> {
        Segment {
            y,
            x,
            reference,
            prediction,
        }
    }

    fn axis(extent: u32) -> Axis {
        Axis::new(&(0..extent), extent)
    }

    #[test]
    fn a_volume_is_seen_from_its_front_with_the_top_above() {
        let mut front = Front::new(3, 4);
        for y in 0..4 {
            front.add(0, &segment(y, 0..1, &[11], &[]));
        }
        front.add(1, &segment(0, 0..2, &[11], &[11]));
        front.add(2, &segment(7, 1..2, &[11], &[12]));
        front.add(2, &segment(8, 1..2, &[11], &[11]));
        let panel = front.panel(axis(3), axis(4), 3);
        let shape = Rgb([66, 66, 66]);
        // One error of at most four behind a place: half the way to its colour.
        let half = palette::mix(shape, palette::of_class(Class::Wrong), 0.5);
        let expected = [
            [Some(INK); 3],
            [None, Some(half), None],
            [None, Some(shape), Some(shape)],
            [None, None, Some(palette::of_class(Class::Missed))],
        ];
        for (x, y, colour) in panel.pixels.each() {
            assert_eq!(colour, expected[y as usize][x as usize], "{x}, {y}");
        }
    }

    #[test]
    fn a_large_volume_is_counted_in_bins() {
        let mut front = Front::new(5000, 3000);
        front.add(2999, &segment(0, 0..5000, &[], &[11]));
        let sum = front.sum(0..BINS, 0..BINS);
        assert_eq!(sum, [0, 0, 5000, 0]);
        assert_eq!(front.voxels.each().count(), 1024 * 1024);
        let last = front.behind(axis(5000), Axis::new(&(2999..3000), 1));
        assert!(last.each().all(|(_, _, voxels)| errors(&voxels) > 0));
    }

    #[test]
    fn a_volume_of_one_slice_has_no_line() {
        let mut front = Front::new(1, 1);
        front.add(0, &segment(0, 0..1, &[], &[11]));
        let panel = front.panel(axis(1), Axis::new(&(0..1), 8), 0);
        let invented = Some(palette::of_class(Class::Invented));
        assert!(panel.pixels.each().all(|(_, _, colour)| colour == invented));
    }
}
