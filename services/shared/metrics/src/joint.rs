use std::{
    collections::{BTreeMap, HashMap},
    fmt::Debug,
    hash::Hash,
    ops::Range,
};

use ndarray::{ArrayView3, Axis, parallel::prelude::*};

use crate::{Error, LabelRun, MAX_LABELS, Mask, Overlap, Segmentation, Voxel, labels};

/// How many voxels each instance of the reference shares with each of the prediction, and how many
/// it has. An instance without a voxel does not appear.
///
/// Sparse: one number for each pair that shares a voxel. Instances of one side may overlap.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct JointCounts<L: Ord> {
    pub(crate) reference: BTreeMap<L, u64>,
    pub(crate) prediction: BTreeMap<L, u64>,
    shared: BTreeMap<(L, L), u64>,
}

impl<L: Ord + Clone + Debug> JointCounts<L> {
    /// Of every label with every other. All masks must have been kept: a prediction by
    /// [`Segmentation::from_labels_against`] is refused if it has labels that the reference lacks,
    /// and one by [`Segmentation::from_labels`] takes up to 8 bytes for each voxel of the volume.
    /// [`JointCounts::against`] needs neither.
    pub fn of(reference: &Segmentation<L>, prediction: &Segmentation<L>) -> Result<Self, Error> {
        let mut counts = Self::sizes(reference, prediction);
        let unkept = |sizes: &BTreeMap<L, u64>, side: &Segmentation<L>| {
            let label = sizes.keys().find(|label| side.mask(label).is_none());
            label.map(|label| format!("{label:?}"))
        };
        let of_either =
            unkept(&counts.reference, reference).or_else(|| unkept(&counts.prediction, prediction));
        if let Some(label) = of_either {
            return Err(Error::MaskNotKept { label });
        }
        for a in counts.reference.keys() {
            for b in counts.prediction.keys() {
                let shared = intersection(reference.mask(a), prediction.mask(b));
                if shared > 0 {
                    counts.shared.insert((a.clone(), b.clone()), shared);
                }
            }
        }
        Ok(counts)
    }

    /// Of each label with itself: all that [`Matching::Label`](crate::Matching::Label) needs.
    pub fn of_same_labels(reference: &Segmentation<L>, prediction: &Segmentation<L>) -> Self {
        let mut counts = Self::sizes(reference, prediction);
        for label in counts.reference.keys() {
            let shared = intersection(reference.mask(label), prediction.mask(label));
            if shared > 0 {
                let pair = (label.clone(), label.clone());
                counts.shared.insert(pair, shared);
            }
        }
        counts
    }

    fn sizes(reference: &Segmentation<L>, prediction: &Segmentation<L>) -> Self {
        let sizes = |side: &Segmentation<L>| {
            let sizes = side
                .labels()
                .map(|l| (l.clone(), side.voxels(l).unwrap_or(0)));
            sizes.filter(|&(_, voxels)| voxels > 0).collect()
        };
        Self {
            reference: sizes(reference),
            prediction: sizes(prediction),
            shared: BTreeMap::new(),
        }
    }
}

impl<L: Ord> JointCounts<L> {
    /// Pairs that share a voxel, in order, with their intersection over union.
    pub fn ious(&self) -> impl Iterator<Item = (&L, &L, f64)> {
        self.shared.iter().map(|((a, b), &intersection)| {
            let overlap = Overlap {
                reference: self.reference.get(a).copied().unwrap_or(0),
                prediction: self.prediction.get(b).copied().unwrap_or(0),
                intersection,
            };
            (a, b, overlap.iou().unwrap_or(0.0))
        })
    }
}

impl JointCounts<i32> {
    /// From the contingency table of two label volumes, which are disjoint by nature: how often each
    /// pair (reference, prediction) of values occurs, where 0 is background.
    pub fn from_table(table: impl IntoIterator<Item = ((i32, i32), u64)>) -> Self {
        let mut counts = Self::default();
        for ((a, b), voxels) in table.into_iter().filter(|&(_, voxels)| voxels > 0) {
            if a != 0 {
                *counts.reference.entry(a).or_default() += voxels;
            }
            if b != 0 {
                *counts.prediction.entry(b).or_default() += voxels;
            }
            if a != 0 && b != 0 {
                *counts.shared.entry((a, b)).or_default() += voxels;
            }
        }
        counts
    }

    /// Of two volumes that are held as the runs of their planes, each plane's in order of row and start;
    /// planes that are not given are background. More than [`MAX_LABELS`] of the prediction are refused.
    pub fn of_label_runs(
        reference: &[&[LabelRun]],
        prediction: &[&[LabelRun]],
    ) -> Result<Self, Error> {
        let mut counts = Self::default();
        for (sizes, planes) in [
            (&mut counts.reference, reference),
            (&mut counts.prediction, prediction),
        ] {
            for run in planes
                .iter()
                .copied()
                .flatten()
                .filter(|run| run.label != 0)
            {
                *sizes.entry(run.label).or_default() += run.x().len() as u64;
            }
        }
        if counts.prediction.len() > MAX_LABELS {
            return Err(Error::TooManyLabels);
        }
        for (a, b) in reference.iter().zip(prediction) {
            counts.add_plane(a, b);
        }
        Ok(counts)
    }

    fn add_plane(&mut self, mut reference: &[LabelRun], mut prediction: &[LabelRun]) {
        while let ([a, rest_a @ ..], [b, rest_b @ ..]) = (reference, prediction) {
            let shared = a.end.min(b.end).saturating_sub(a.start.max(b.start));
            if a.y == b.y && shared > 0 && a.label != 0 && b.label != 0 {
                *self.shared.entry((a.label, b.label)).or_default() += u64::from(shared);
            }
            if (a.y, a.end) <= (b.y, b.end) {
                reference = rest_a;
            } else {
                prediction = rest_b;
            }
        }
    }

    /// Of a reference and a predicted volume with axes z, y, x, without a mask of the prediction:
    /// for any number of labels in any disorder. More than [`MAX_LABELS`] are refused, so there are
    /// at most that many numbers for each label of the reference.
    pub fn against<V>(
        reference: &Segmentation<i32>,
        prediction: ArrayView3<'_, V>,
    ) -> Result<Self, Error>
    where
        V: Voxel + Copy + PartialEq + Default + Into<i32> + Sync,
    {
        let (depth, height, width) = prediction.dim();
        if reference.grid() != [depth, height, width] {
            return Err(Error::GridMismatch {
                reference: reference.grid(),
                prediction: [depth, height, width],
            });
        }
        let masks = || {
            reference
                .labels()
                .filter_map(|&l| Some((l, reference.mask(&l)?)))
        };
        let planes = prediction.axis_iter(Axis(0)).into_par_iter().enumerate();
        let tally = planes
            .try_fold(Tally::default, |mut tally, (z, plane)| {
                let masks: Vec<_> = masks()
                    .filter(|m| m.1.bounds().axis(0).contains(&z))
                    .collect();
                labels::each_run(plane.insert_axis(Axis(0)), |_, y, x, label| {
                    tally.add((z, y, x), label.into(), &masks);
                });
                tally.within_limit()
            })
            .try_reduce(Tally::default, |mut tally, other| {
                merge(&mut tally.prediction, other.prediction);
                merge(&mut tally.shared, other.shared);
                tally.within_limit()
            })?;
        Ok(Self {
            reference: masks()
                .map(|(label, mask)| (label, mask.voxels()))
                .collect(),
            prediction: tally.prediction.into_iter().collect(),
            shared: tally.shared.into_iter().collect(),
        })
    }
}

#[derive(Default)]
struct Tally {
    prediction: HashMap<i32, u64>,
    shared: HashMap<(i32, i32), u64>,
}

impl Tally {
    fn add(&mut self, (z, y, x): (usize, usize, Range<usize>), label: i32, masks: &[(i32, &Mask)]) {
        *self.prediction.entry(label).or_default() += x.len() as u64;
        for &(other, mask) in masks {
            let shared = mask.voxels_of_run(z, y, &x);
            if shared > 0 {
                *self.shared.entry((other, label)).or_default() += shared;
            }
        }
    }

    fn within_limit(self) -> Result<Self, Error> {
        match self.prediction.len() > MAX_LABELS {
            true => Err(Error::TooManyLabels),
            false => Ok(self),
        }
    }
}

fn merge<K: Eq + Hash>(into: &mut HashMap<K, u64>, from: HashMap<K, u64>) {
    for (key, voxels) in from {
        *into.entry(key).or_default() += voxels;
    }
}

fn intersection(a: Option<&Mask>, b: Option<&Mask>) -> u64 {
    match (a, b) {
        (Some(a), Some(b)) => Overlap::of(a, b).intersection,
        _ => 0,
    }
}

impl Mask {
    /// How many voxels of a run are in the mask.
    fn voxels_of_run(&self, z: usize, y: usize, x: &Range<usize>) -> u64 {
        let bounds = self.bounds();
        if !bounds.axis(1).contains(&y) || x.end <= bounds.start[2] || bounds.end[2] <= x.start {
            return 0;
        }
        let words = x.clone().step_by(64).map(|at| {
            let wanted = u64::MAX >> (64 - (x.end - at).min(64));
            self.word(z as isize, y as isize, at as isize) & wanted
        });
        words.map(|word| u64::from(word.count_ones())).sum()
    }
}

#[cfg(test)]
mod tests {
    use ndarray::Array3;
    use proptest::prelude::*;

    use super::*;
    use crate::label_runs;

    /// Blocks wider than a word, so that runs cross words.
    fn volume() -> impl Strategy<Value = Array3<i16>> {
        prop::collection::vec(0..5i16, 3 * 4 * 7).prop_map(|labels| {
            let small = Array3::from_shape_vec((3, 4, 7), labels).unwrap();
            Array3::from_shape_fn((3, 4, 7 * 23), |(z, y, x)| small[[z, y, x / 23]])
        })
    }

    fn planes(volume: &Array3<i16>) -> Vec<Vec<LabelRun>> {
        let runs = |plane| {
            let mut runs = Vec::new();
            label_runs(plane, &mut runs);
            runs
        };
        volume.outer_iter().map(runs).collect()
    }

    proptest! {
        #[test]
        fn masks_runs_and_a_table_give_the_same_counts(a in volume(), b in volume()) {
            let table = a.iter().zip(&b).map(|(&a, &b)| ((a.into(), b.into()), 1));
            let table = JointCounts::from_table(table);
            let reference = Segmentation::from_labels(a.view()).unwrap();
            let prediction = Segmentation::from_labels(b.view()).unwrap();
            prop_assert_eq!(&JointCounts::of(&reference, &prediction).unwrap(), &table);
            prop_assert_eq!(&JointCounts::against(&reference, b.view()).unwrap(), &table);
            let [runs_a, runs_b] = [&a, &b].map(planes);
            let [a, b] = [&runs_a, &runs_b].map(|planes| planes.iter().map(Vec::as_slice).collect::<Vec<_>>());
            prop_assert_eq!(&JointCounts::of_label_runs(&a, &b).unwrap(), &table);

            let mut same = table;
            same.shared.retain(|(a, b), _| a == b);
            prop_assert_eq!(JointCounts::of_same_labels(&reference, &prediction), same);
        }
    }

    #[test]
    fn a_prediction_without_its_masks_is_refused() {
        let volume = Array3::from_shape_vec((1, 1, 3), vec![1u8, 1, 2]).unwrap();
        let reference = volume.mapv(|label| label.min(1));
        let reference = Segmentation::from_labels(reference.view()).unwrap();
        let reduced = Segmentation::from_labels_against(volume.view(), &reference).unwrap();
        let refused = JointCounts::of(&reference, &reduced).unwrap_err();
        assert_eq!(refused, Error::MaskNotKept { label: "2".into() });
        let ious = JointCounts::against(&reference, volume.view()).unwrap();
        let ious: Vec<_> = ious.ious().collect();
        assert_eq!(ious, [(&1, &1, 2.0 / 3.0), (&1, &2, 1.0 / 3.0)]);
    }

    #[test]
    fn as_many_labels_as_voxels_are_refused() {
        let noise = Array3::from_shape_fn((2, 256, 256), |(z, y, x)| {
            (z * 65_536 + y * 256 + x + 1) as i32
        });
        let reference = Segmentation::from_labels(Array3::<u8>::ones((2, 256, 256)).view());
        let refused = JointCounts::against(&reference.unwrap(), noise.view());
        assert_eq!(refused, Err(Error::TooManyLabels));
    }
}
