use std::collections::BTreeMap;
use std::ops::Range;

use molar_metrics::LabelRun;

use crate::axis::Axis;
use crate::joint::{Segment, each_segment};

/// Labels of an image, or of one slice of a volume.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plane {
    /// In the order of their rows; those of one label do not overlap.
    pub reference: Vec<LabelRun>,
    pub prediction: Vec<LabelRun>,
}

impl Plane {
    pub fn each_segment(&self, on_segment: impl FnMut(&Segment<'_>)) {
        each_segment(&self.reference, &self.prediction, on_segment);
    }
}

/// What each drawn pixel shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cells<T> {
    pub width: u32,
    pub height: u32,
    /// Row by row.
    values: Vec<T>,
}

impl<T: Copy + Default> Cells<T> {
    pub fn new(width: u32, height: u32) -> Self {
        let values = vec![T::default(); width as usize * height as usize];
        Self {
            width,
            height,
            values,
        }
    }

    pub fn at(&self, x: u32, y: u32) -> T {
        self.values[y as usize * self.width as usize + x as usize]
    }

    pub fn put(&mut self, x: u32, y: u32, value: T) {
        self.values[y as usize * self.width as usize + x as usize] = value;
    }

    /// Column, row and value.
    pub fn each(&self) -> impl Iterator<Item = (u32, u32, T)> {
        let places = (0..self.height).flat_map(|y| (0..self.width).map(move |x| (x, y)));
        places
            .zip(&self.values)
            .map(|((x, y), value)| (x, y, *value))
    }

    pub fn mirrored(mut self) -> Self {
        let width = self.width as usize;
        self.values.chunks_mut(width).for_each(<[T]>::reverse);
        self
    }

    pub fn upside_down(mut self) -> Self {
        let width = self.width as usize;
        let rows: Vec<_> = self.values.chunks(width.max(1)).rev().collect();
        self.values = rows.concat();
        self
    }

    fn fill(&mut self, rows: Range<u32>, x: u32, value: T) {
        for y in rows {
            self.put(x, y, value);
        }
    }
}

/// How many pixels of each kind a drawn pixel shows.
pub struct Shown<'a, K> {
    pub kinds: &'a [(K, u64)],
    /// As many as a line of one pixel leaves here: what is as much should not vanish.
    pub line: u64,
}

impl<K: Copy> Shown<'_, K> {
    pub fn most(&self, is_wanted: impl Fn(K) -> bool) -> Option<K> {
        let wanted = self.kinds.iter().filter(|(kind, _)| is_wanted(*kind));
        wanted
            .max_by_key(|(_, pixels)| pixels)
            .map(|(kind, _)| *kind)
    }

    pub fn pixels(&self, is_wanted: impl Fn(K) -> bool) -> u64 {
        let wanted = self.kinds.iter().filter(|(kind, _)| is_wanted(*kind));
        wanted.map(|(_, pixels)| pixels).sum()
    }
}

/// Sorts the segments of a plane into drawn pixels by kind, and lets `choose` decide for each what it
/// shows. Takes no memory for the pixels of the plane.
pub fn resample<K: Copy + Ord, T: Copy + Default>(
    plane: &Plane,
    [columns, rows]: [Axis; 2],
    mut kind: impl FnMut(&Segment<'_>) -> Option<K>,
    choose: impl Fn(Shown<'_, K>) -> T,
) -> Cells<T> {
    let mut cells = Cells::new(columns.drawn(), rows.drawn());
    let mut gathered = BTreeMap::<(u32, K), u64>::new();
    let mut at = 0..0;
    let mut finish = |at: &Range<u32>, gathered: &mut BTreeMap<(u32, K), u64>| {
        let all: Vec<_> = std::mem::take(gathered).into_iter().collect();
        for same in all.chunk_by(|((a, _), _), ((b, _), _)| a == b) {
            let x = same[0].0.0;
            let kinds: Vec<_> = same
                .iter()
                .map(|((_, kind), pixels)| (*kind, *pixels))
                .collect();
            let line = columns.shown_by(x).len().min(rows.shown_by(at.start).len());
            let shown = Shown {
                kinds: &kinds,
                line: line as u64,
            };
            cells.fill(at.clone(), x, choose(shown));
        }
    };
    plane.each_segment(|segment| {
        let showing = rows.showing(&(segment.y..segment.y + 1));
        let Some(kind) = kind(segment) else {
            return;
        };
        if showing != at {
            finish(&at, &mut gathered);
            at = showing;
        }
        for x in columns.showing(&segment.x) {
            *gathered.entry((x, kind)).or_default() += columns.shared(x, &segment.x);
        }
    });
    finish(&at, &mut gathered);
    cells
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(y: u32, x: Range<u32>, label: i32) -> LabelRun {
        LabelRun {
            y,
            start: x.start,
            end: x.end,
            label,
        }
    }

    /// The label that most of a drawn pixel's labelled ones have.
    fn resampled(reference: Vec<LabelRun>, [columns, rows]: [Axis; 2]) -> Vec<Vec<i32>> {
        let plane = Plane {
            reference,
            prediction: Vec::new(),
        };
        let label = |segment: &Segment<'_>| segment.reference.first().copied();
        let cells = resample(&plane, [columns, rows], label, |shown| {
            shown.most(|_| true).unwrap_or_default()
        });
        cells
            .values
            .chunks(cells.width as usize)
            .map(<[_]>::to_vec)
            .collect()
    }

    #[test]
    fn pixels_are_drawn_several_times_or_several_at_once() {
        let plane = vec![run(1, 0..2, 7), run(1, 2..3, 8), run(2, 0..3, 9)];
        let twice = [Axis::new(&(0..3), 6), Axis::new(&(1..3), 4)];
        let expected = [[7, 7, 7, 7, 8, 8], [7, 7, 7, 7, 8, 8], [9; 6], [9; 6]];
        assert_eq!(resampled(plane.clone(), twice), expected);
        let half = [Axis::new(&(0..4), 2), Axis::new(&(0..4), 2)];
        assert_eq!(resampled(plane, half), [[7, 8], [9, 9]]);
    }

    #[test]
    fn what_lies_outside_the_window_is_not_drawn() {
        let plane = vec![run(0, 0..9, 7), run(5, 0..9, 8), run(9, 0..9, 9)];
        let window = [Axis::new(&(2..4), 2), Axis::new(&(4..7), 3)];
        assert_eq!(resampled(plane, window), [[0, 0], [8, 8], [0, 0]]);
    }

    #[test]
    fn a_drawn_pixel_knows_how_much_of_each_kind_it_shows() {
        let plane = Plane {
            reference: vec![run(0, 0..5, 7), run(1, 1..2, 7), run(1, 2..4, 8)],
            prediction: Vec::new(),
        };
        let axes = [Axis::new(&(0..6), 2), Axis::new(&(0..2), 1)];
        let kind = |segment: &Segment<'_>| segment.reference.first().copied();
        let cells = resample(&plane, axes, kind, |shown| {
            (
                shown.pixels(|label| label == 7),
                shown.pixels(|label| label == 8),
                shown.line,
            )
        });
        assert_eq!(cells.values, [(4, 1, 2), (2, 1, 2)]);
    }
}
