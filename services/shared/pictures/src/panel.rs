//! What a panel shows, from the labels of a plane.

use std::collections::BTreeMap;

use molar_volumes::Label;

use crate::axis::Axis;
use crate::cells::{Cells, Plane, Shown, resample};
use crate::joint::{Class, Segment};
use crate::numbers;
use crate::palette::{self, BLACK, Colour};

/// Width in drawn pixels of the stripes where labels overlap.
const STRIPE: u32 = 3;

/// Which part of a plane is drawn, and how large.
#[derive(Debug, Clone, Copy)]
pub struct View {
    pub columns: Axis,
    pub rows: Axis,
    /// Columns run from right to left.
    pub is_mirrored: bool,
    /// Rows run from below upwards.
    pub is_upside_down: bool,
}

pub struct Panel {
    pub pixels: Cells<Option<Colour>>,
    pub numbers: Vec<Number>,
}

/// A label, to be written on its instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Number {
    pub text: String,
    /// Its centre, in drawn pixels.
    pub at: [u32; 2],
}

impl View {
    fn drawn<K: Copy + Ord, T: Copy + Default>(
        self,
        plane: &Plane,
        kind: impl FnMut(&Segment<'_>) -> Option<K>,
        choose: impl Fn(Shown<'_, K>) -> T,
    ) -> Cells<T> {
        let cells = resample(plane, [self.columns, self.rows], kind, choose);
        let cells = match self.is_mirrored {
            true => cells.mirrored(),
            false => cells,
        };
        match self.is_upside_down {
            true => cells.upside_down(),
            false => cells,
        }
    }
}

/// The labels of one side, each in its colour; stripes where several overlap.
pub fn labels(
    plane: &Plane,
    view: View,
    side: for<'a> fn(&Segment<'a>) -> &'a [i32],
    name: &dyn Fn(i32) -> Label,
) -> Panel {
    let mut sets = BTreeMap::<Vec<i32>, usize>::new();
    let set_of = |segment: &Segment<'_>| {
        let labels = side(segment);
        let next = sets.len();
        let set = || *sets.entry(labels.to_vec()).or_insert(next);
        (!labels.is_empty()).then(set)
    };
    // Any pixel shows: an instance should not vanish because it is small.
    let cells = view.drawn(plane, set_of, |shown| shown.most(|_| true));
    let colours: BTreeMap<i32, Colour> = sets
        .keys()
        .flatten()
        .map(|label| (*label, palette::of_label(&name(*label))))
        .collect();
    let mut by_set = vec![Vec::new(); sets.len()];
    for (labels, set) in sets {
        by_set[set] = labels;
    }
    let mut pixels = Cells::new(cells.width, cells.height);
    for (x, y, set) in cells.each() {
        let Some(set) = set else { continue };
        let labels = &by_set[set];
        let colour = colours[&labels[stripe(x, y, labels.len())]];
        let is_seam = is_seam(&cells, x, y, set);
        pixels.put(x, y, Some(if is_seam { BLACK } else { colour }));
    }
    let numbers = numbers::places(&cells, &by_set)
        .into_iter()
        .map(|(label, at)| Number {
            text: name(label).to_string(),
            at,
        });
    Panel {
        pixels,
        numbers: numbers.collect(),
    }
}

/// Which of so many labels a pixel shows where they overlap.
pub fn stripe(x: u32, y: u32, labels: usize) -> usize {
    ((x + y) / STRIPE) as usize % labels
}

/// Whether something else begins to the right or below.
fn is_seam(cells: &Cells<Option<usize>>, x: u32, y: u32, set: usize) -> bool {
    let right = (x + 1 < cells.width).then(|| cells.at(x + 1, y)).flatten();
    let below = (y + 1 < cells.height).then(|| cells.at(x, y + 1)).flatten();
    [right, below]
        .into_iter()
        .flatten()
        .any(|other| other != set)
}

/// Grey where both agree, and each kind of error in its colour.
pub fn errors(plane: &Plane, view: View) -> Panel {
    let is_error = |class| class != Class::Right;
    let class = view.drawn(
        plane,
        |segment| Some(segment.class()),
        |shown| match shown.pixels(is_error) >= shown.line {
            true => shown.most(is_error),
            false => (shown.pixels(|_| true) >= shown.line).then_some(Class::Right),
        },
    );
    let mut pixels = Cells::new(class.width, class.height);
    for (x, y, class) in class.each() {
        pixels.put(x, y, class.map(palette::of_class));
    }
    Panel {
        pixels,
        numbers: Vec::new(),
    }
}

/// Two labels of one side that overlap, if any do.
pub fn overlapping(plane: &Plane) -> Option<[i32; 2]> {
    let mut found = None;
    plane.each_segment(|segment| {
        for labels in [segment.reference, segment.prediction] {
            found = found.or(labels.first_chunk().copied());
        }
    });
    found
}

#[cfg(test)]
mod tests {
    use molar_metrics::LabelRun;

    use super::*;
    use crate::tally::Counts;

    fn rows(label: i32, x: std::ops::Range<u32>, y: std::ops::Range<u32>) -> Vec<LabelRun> {
        let row = |y| LabelRun {
            y,
            start: x.start,
            end: x.end,
            label,
        };
        y.map(row).collect()
    }

    fn plane(reference: &[Vec<LabelRun>], prediction: &[Vec<LabelRun>]) -> Plane {
        let side = |rectangles: &[Vec<LabelRun>]| {
            let mut runs = rectangles.concat();
            runs.sort_by_key(|run| (run.y, run.start));
            runs
        };
        Plane {
            reference: side(reference),
            prediction: side(prediction),
        }
    }

    fn view(source: u32, drawn: u32) -> View {
        let axis = Axis::new(&(0..source), drawn);
        View {
            columns: axis,
            rows: axis,
            is_mirrored: false,
            is_upside_down: false,
        }
    }

    fn reference<'a>(segment: &Segment<'a>) -> &'a [i32] {
        segment.reference
    }

    fn tooth(label: i32) -> Option<Colour> {
        Some(palette::of_label(&Label::Value(label)))
    }

    #[test]
    fn labels_have_their_colours_and_a_seam_where_they_meet() {
        let plane = plane(&[rows(11, 1..4, 1..4), rows(12, 4..7, 1..4)], &[]);
        let panel = labels(&plane, view(8, 8), reference, &Label::Value);
        let row: Vec<_> = (0..8).map(|x| panel.pixels.at(x, 2)).collect();
        let [a, b] = [tooth(11), tooth(12)];
        assert_eq!(row, [None, a, a, Some(BLACK), b, b, b, None]);
        assert!((0..8).all(|x| panel.pixels.at(x, 0).is_none()));
        let number = |text: &str, at| Number {
            text: text.to_owned(),
            at,
        };
        assert_eq!(panel.numbers, [number("11", [2, 2]), number("12", [5, 2])]);
    }

    #[test]
    fn overlapping_labels_are_striped_with_both_colours() {
        let plane = plane(&[rows(11, 0..30, 0..30), rows(12, 0..30, 0..30)], &[]);
        let panel = labels(&plane, view(30, 30), reference, &Label::Value);
        let of = |label| {
            let pixels = panel.pixels.each();
            pixels
                .filter(|(.., colour)| *colour == tooth(label))
                .count()
        };
        assert_eq!(of(11) + of(12), 900);
        assert!(of(11).abs_diff(of(12)) < 60, "{} and {}", of(11), of(12));
        assert_eq!(overlapping(&plane), Some([11, 12]));
    }

    #[test]
    fn errors_are_as_many_as_are_counted() {
        let plane = plane(
            &[rows(11, 2..12, 2..12), rows(12, 14..24, 2..12)],
            &[rows(11, 5..16, 3..13), rows(12, 16..26, 3..13)],
        );
        let mut counts = Counts::default();
        plane.each_segment(|segment| counts.add(segment));
        let panel = errors(&plane, view(30, 30));
        for class in Class::ALL {
            let colour = Some(palette::of_class(class));
            let pixels = panel
                .pixels
                .each()
                .filter(|pixel| pixel.2 == colour)
                .count();
            assert_eq!(pixels as u64, counts.of(class), "{class:?}");
        }
        assert_eq!(Class::ALL.map(|class| counts.of(class)), [135, 47, 57, 18]);
        assert_eq!(
            panel.pixels.at(4, 2),
            Some(palette::of_class(Class::Missed))
        );
        assert_eq!(
            panel.pixels.at(15, 5),
            Some(palette::of_class(Class::Wrong))
        );
        assert_eq!(overlapping(&plane), None);
    }

    #[test]
    fn a_line_of_errors_stays_when_it_is_reduced_and_a_dot_does_not() {
        let line = rows(11, 0..40, 7..8);
        let dot = rows(12, 20..21, 30..31);
        let plane = plane(&[line, dot], &[]);
        let reduced = view(40, 10);
        let panel = errors(&plane, reduced);
        let missed = Some(palette::of_class(Class::Missed));
        assert!((0..10).all(|x| panel.pixels.at(x, 1) == missed));
        assert_eq!(panel.pixels.at(5, 7), None);
        // As an instance, it stays.
        let panel = labels(&plane, reduced, reference, &Label::Value);
        assert_eq!(panel.pixels.at(5, 7), tooth(12));
    }

    #[test]
    fn a_mirrored_view_runs_from_right_to_left() {
        let plane = plane(&[rows(11, 0..1, 0..2)], &[]);
        let mirrored = View {
            is_mirrored: true,
            ..view(2, 2)
        };
        let panel = labels(&plane, mirrored, reference, &Label::Value);
        assert_eq!(
            (panel.pixels.at(0, 0), panel.pixels.at(1, 0)),
            (None, tooth(11))
        );
    }

    #[test]
    fn a_view_upside_down_runs_from_below_upwards() {
        let plane = plane(&[rows(11, 0..2, 0..1)], &[]);
        let view = View {
            is_upside_down: true,
            ..view(2, 2)
        };
        let panel = labels(&plane, view, reference, &Label::Value);
        let of_row = |y| [panel.pixels.at(0, y), panel.pixels.at(1, y)];
        assert_eq!([of_row(0), of_row(1)], [[None; 2], [tooth(11); 2]]);
    }
}
