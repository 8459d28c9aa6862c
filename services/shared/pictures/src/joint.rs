//! Reference and prediction laid over each other, row by row.

use std::ops::Range;

use molar_metrics::LabelRun;

/// Pixels of one row that bear the same labels throughout, and at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment<'a> {
    pub y: u32,
    pub x: Range<u32>,
    /// In order; several where polygons overlap.
    pub reference: &'a [i32],
    pub prediction: &'a [i32],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// The same labels on both sides.
    Right,
    /// In the reference only.
    Missed,
    /// In the prediction only.
    Invented,
    /// In both, under other labels.
    Wrong,
}

impl Class {
    pub const ALL: [Self; 4] = [Self::Right, Self::Missed, Self::Invented, Self::Wrong];
}

impl Segment<'_> {
    pub fn class(&self) -> Class {
        match (self.reference, self.prediction) {
            (_, []) => Class::Missed,
            ([], _) => Class::Invented,
            (reference, prediction) if reference == prediction => Class::Right,
            _ => Class::Wrong,
        }
    }

    pub fn length(&self) -> u64 {
        self.x.len() as u64
    }
}

/// Hands over the segments of a plane from top to bottom and from left to right. Both sides' runs are
/// in the order of their rows; those of one label do not overlap.
pub fn each_segment(
    reference: &[LabelRun],
    prediction: &[LabelRun],
    mut on_segment: impl FnMut(&Segment<'_>),
) {
    let mut rest = [reference, prediction];
    let mut edges = Vec::new();
    while let Some(y) = rest
        .iter()
        .flat_map(|runs| runs.first())
        .map(|run| run.y)
        .min()
    {
        edges.clear();
        for (side, runs) in rest.iter_mut().enumerate() {
            let (row, below) = runs.split_at(runs.partition_point(|run| run.y <= y));
            edges.extend(row.iter().flat_map(|run| Edge::both(side, run)));
            *runs = below;
        }
        sweep(&mut edges, y, &mut on_segment);
    }
}

/// Where a run of one side starts or ends.
struct Edge {
    x: u32,
    starts: bool,
    side: usize,
    label: i32,
}

impl Edge {
    fn both(side: usize, run: &LabelRun) -> impl Iterator<Item = Self> {
        let label = run.label;
        let edge = move |x, starts| Self {
            x,
            starts,
            side,
            label,
        };
        let edges = [edge(run.start, true), edge(run.end, false)];
        edges.into_iter().filter(|_| run.start < run.end)
    }

    fn turn(&self, labels: &mut Vec<i32>) {
        match (labels.binary_search(&self.label), self.starts) {
            (Err(at), true) => labels.insert(at, self.label),
            (Ok(at), false) => _ = labels.remove(at),
            _ => {}
        }
    }
}

fn sweep(edges: &mut [Edge], y: u32, on_segment: &mut dyn FnMut(&Segment<'_>)) {
    // Ends first: a label may go on in a run that starts where another ends.
    edges.sort_unstable_by_key(|edge| (edge.x, edge.starts));
    let mut labels = [Vec::new(), Vec::new()];
    let mut from = 0;
    for edge in edges {
        let [reference, prediction] = &labels;
        if from < edge.x && !(reference.is_empty() && prediction.is_empty()) {
            on_segment(&Segment {
                y,
                x: from..edge.x,
                reference,
                prediction,
            });
        }
        from = edge.x;
        edge.turn(&mut labels[edge.side]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Row, columns, labels of either side.
    type Found = (u32, Range<u32>, Vec<i32>, Vec<i32>, Class);

    fn run(y: u32, x: Range<u32>, label: i32) -> LabelRun {
        LabelRun {
            y,
            start: x.start,
            end: x.end,
            label,
        }
    }

    fn segments(reference: &[LabelRun], prediction: &[LabelRun]) -> Vec<Found> {
        let mut found = Vec::new();
        each_segment(reference, prediction, |segment| {
            let [reference, prediction] =
                [segment.reference, segment.prediction].map(<[_]>::to_vec);
            let class = segment.class();
            found.push((segment.y, segment.x.clone(), reference, prediction, class));
        });
        found
    }

    #[test]
    fn a_row_is_cut_where_a_label_of_either_side_starts_or_ends() {
        let reference = [run(3, 2..6, 11), run(3, 6..8, 12)];
        let prediction = [run(3, 4..7, 11), run(5, 0..1, 13)];
        assert_eq!(
            segments(&reference, &prediction),
            [
                (3, 2..4, vec![11], vec![], Class::Missed),
                (3, 4..6, vec![11], vec![11], Class::Right),
                (3, 6..7, vec![12], vec![11], Class::Wrong),
                (3, 7..8, vec![12], vec![], Class::Missed),
                (5, 0..1, vec![], vec![13], Class::Invented),
            ]
        );
    }

    #[test]
    fn overlapping_labels_are_both_there_and_right_only_if_both_are_found() {
        let reference = [run(0, 0..6, 11), run(0, 3..9, 12)];
        let prediction = [run(0, 0..5, 11), run(0, 3..4, 12)];
        assert_eq!(
            segments(&reference, &prediction),
            [
                (0, 0..3, vec![11], vec![11], Class::Right),
                (0, 3..4, vec![11, 12], vec![11, 12], Class::Right),
                (0, 4..5, vec![11, 12], vec![11], Class::Wrong),
                (0, 5..6, vec![11, 12], vec![], Class::Missed),
                (0, 6..9, vec![12], vec![], Class::Missed),
            ]
        );
    }

    #[test]
    fn a_label_goes_on_in_the_run_behind() {
        let pieces = [run(0, 0..2, 11), run(0, 2..2, 12), run(0, 2..4, 11)];
        let halves = |from, to| (0, from..to, vec![11], vec![], Class::Missed);
        assert_eq!(segments(&pieces, &[]), [halves(0, 2), halves(2, 4)]);
    }
}
