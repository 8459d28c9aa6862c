//! Counts over a whole case, and the scores that follow from counts alone.

use std::collections::BTreeMap;

use molar_metrics::Overlap;

use crate::joint::{Class, Segment};

/// Pixels or voxels by what they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts([u64; Class::ALL.len()]);

impl Counts {
    pub fn add(&mut self, segment: &Segment<'_>) {
        self.0[segment.class() as usize] += segment.length();
    }

    pub fn of(&self, class: Class) -> u64 {
        self.0[class as usize]
    }

    pub fn all(&self) -> u64 {
        self.0.iter().sum()
    }

    pub fn errors(&self) -> u64 {
        self.all() - self.of(Class::Right)
    }
}

/// How a case's labels overlap: all that scores without a surface need.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tally {
    pub counts: Counts,
    /// Labels of either side; one without a pixel is there all the same.
    labels: BTreeMap<i32, Sizes>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Sizes {
    reference: u64,
    prediction: u64,
    intersection: u64,
}

impl Tally {
    pub fn of_labels(labels: impl IntoIterator<Item = i32>) -> Self {
        let labels = labels.into_iter().map(|label| (label, Sizes::default()));
        Self {
            counts: Counts::default(),
            labels: labels.collect(),
        }
    }

    pub fn add(&mut self, segment: &Segment<'_>) {
        self.counts.add(segment);
        for label in segment.reference {
            let sizes = self.labels.entry(*label).or_default();
            sizes.reference += segment.length();
            if segment.prediction.contains(label) {
                sizes.intersection += segment.length();
            }
        }
        for label in segment.prediction {
            self.labels.entry(*label).or_default().prediction += segment.length();
        }
    }

    /// In order.
    pub fn labels(&self) -> impl Iterator<Item = (i32, Overlap)> {
        self.labels
            .iter()
            .map(|(label, sizes)| (*label, sizes.overlap()))
    }

    pub fn image_dsc(&self) -> f64 {
        let count = |class| self.counts.of(class);
        let intersection = count(Class::Right) + count(Class::Wrong);
        let overlap = Overlap {
            reference: intersection + count(Class::Missed),
            prediction: intersection + count(Class::Invented),
            intersection,
        };
        overlap.dice().unwrap_or(0.0)
    }

    pub fn instance_dsc(&self) -> f64 {
        let dice: Vec<_> = self
            .of_reference()
            .filter_map(|overlap| overlap.dice())
            .collect();
        dice.iter().sum::<f64>() / dice.len().max(1) as f64
    }

    pub fn ia(&self) -> f64 {
        let matched = self.of_reference().filter(Overlap::is_match).count();
        matched as f64 / self.labels.len().max(1) as f64
    }

    fn of_reference(&self) -> impl Iterator<Item = Overlap> {
        let overlaps = self.labels().map(|(_, overlap)| overlap);
        overlaps.filter(|overlap| overlap.reference > 0)
    }
}

impl Sizes {
    fn overlap(self) -> Overlap {
        Overlap {
            reference: self.reference,
            prediction: self.prediction,
            intersection: self.intersection,
        }
    }
}

#[cfg(test)]
mod tests {
    use molar_metrics::{LabelRun, Mask, Run, Segmentation, protocol_scores};

    use super::*;
    use crate::cells::Plane;

    /// Rectangles of labels 1 to 6 that may overlap, as runs and as masks; label 6 has no pixel. Those of
    /// odd labels follow from the first seed, the others from the second.
    fn drawn(mut seeds: [u32; 2]) -> (Vec<LabelRun>, Segmentation<i32>) {
        let mut next = |label: i32, below: u32| {
            let seed = &mut seeds[usize::from(label % 2 == 0)];
            *seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (*seed >> 16) % below
        };
        let mut runs = Vec::new();
        let mut masks = vec![(6, Mask::default())];
        for label in 1..6 {
            let [x, y] = [20, 20].map(|below| next(label, below));
            let [width, height] = [12, 12].map(|below| 1 + next(label, below));
            let of_label = (y..y + height).map(|y| LabelRun {
                y,
                start: x,
                end: x + width,
                label,
            });
            runs.extend(of_label);
            let row = |y: u32| Run {
                z: 0,
                y: y as usize,
                x: x as usize..(x + width) as usize,
            };
            let rows: Vec<_> = (y..y + height).map(row).collect();
            masks.push((label, Mask::from_runs(&rows)));
        }
        runs.sort_by_key(|run| (run.y, run.start));
        (runs, Segmentation::from_masks([1, 40, 40], masks).unwrap())
    }

    #[test]
    fn counts_and_scores_are_those_of_the_metrics() {
        for seed in 0..200 {
            let (reference, of_reference) = drawn([seed, seed]);
            let (prediction, of_prediction) = drawn([seed, seed + 10_000]);
            // The reference has no label without a pixel.
            let kept = of_reference.labels().filter(|label| **label != 6);
            let kept = kept.map(|label| (*label, of_reference.mask(label).unwrap().clone()));
            let of_reference = Segmentation::from_masks([1, 40, 40], kept).unwrap();
            let plane = Plane {
                reference,
                prediction,
            };
            let mut tally = Tally::of_labels(1..=6);
            plane.each_segment(|segment| tally.add(segment));

            let scores = protocol_scores(&of_reference, &of_prediction).unwrap();
            let expected = [scores.image_dsc, scores.instance_dsc, scores.ia];
            let found = [tally.image_dsc(), tally.instance_dsc(), tally.ia()];
            assert!(scores.ia >= 0.5, "the odd labels match");
            for (found, expected) in found.into_iter().zip(expected) {
                assert!(
                    (found - expected).abs() < 1e-12,
                    "{seed}: {found}, not {expected}"
                );
            }
            let (all, found) = (of_reference.foreground(), of_prediction.foreground());
            let both = Overlap::of(all, found).intersection;
            let count = |class| tally.counts.of(class);
            assert_eq!(count(Class::Missed), all.voxels() - both);
            assert_eq!(count(Class::Invented), found.voxels() - both);
            assert_eq!(count(Class::Right) + count(Class::Wrong), both);
        }
    }

    #[test]
    fn where_labels_do_not_overlap_right_is_what_the_labels_share() {
        let run = |start, end, label| LabelRun {
            y: 0,
            start,
            end,
            label,
        };
        let plane = Plane {
            reference: vec![run(0, 10, 11), run(10, 20, 12)],
            prediction: vec![run(3, 14, 11), run(14, 25, 12)],
        };
        let mut tally = Tally::default();
        plane.each_segment(|segment| tally.add(segment));
        let shared = tally.labels().map(|(_, overlap)| overlap.intersection);
        assert_eq!(tally.counts.of(Class::Right), shared.sum::<u64>());
        assert_eq!(
            Class::ALL.map(|class| tally.counts.of(class)),
            [13, 3, 5, 4]
        );
        assert_eq!((tally.counts.all(), tally.counts.errors()), (25, 12));
    }
}
