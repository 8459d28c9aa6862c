use std::collections::BTreeSet;
use std::collections::btree_map::{BTreeMap, Entry};

use ndarray::ArrayView3;

use crate::{Bounds, Error, LabelRun, Mask, Voxel, labels};

/// One case's labels: the grid, a mask for each label, and the union of all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segmentation<L: Ord> {
    grid: [usize; 3],
    masks: BTreeMap<L, Mask>,
    /// Voxels of the labels whose mask was not kept.
    unmatched: BTreeMap<L, u64>,
    foreground: Mask,
}

impl Segmentation<i32> {
    /// The labels of a volume with axes z, y, x, where 0 is background. A C-ordered view is read
    /// fastest.
    pub fn from_labels<V: Voxel>(volume: ArrayView3<'_, V>) -> Result<Self, Error> {
        V::segment(volume, &|_| true)
    }

    /// As [`from_labels`](Self::from_labels), for a prediction: labels that the reference lacks
    /// count and are in the foreground, but take no memory, however many there are.
    pub fn from_labels_against<V: Voxel>(
        volume: ArrayView3<'_, V>,
        reference: &Self,
    ) -> Result<Self, Error> {
        V::segment(volume, &|label| reference.masks.contains_key(&label))
    }

    /// The labels of a volume that is held as the runs of its planes, in order; planes that are not given
    /// are background.
    pub fn from_label_runs(grid: [usize; 3], planes: &[&[LabelRun]]) -> Result<Self, Error> {
        labels::segment_runs(grid, planes, &|_| true)
    }

    /// As [`from_label_runs`](Self::from_label_runs), for a prediction: see
    /// [`from_labels_against`](Self::from_labels_against).
    pub fn from_label_runs_against(
        grid: [usize; 3],
        planes: &[&[LabelRun]],
        reference: &Self,
    ) -> Result<Self, Error> {
        labels::segment_runs(grid, planes, &|label| reference.masks.contains_key(&label))
    }
}

impl<L: Ord> Segmentation<L> {
    /// Masks that may overlap; those of one label are united. A label with an empty mask is present
    /// without a voxel: it counts in the union of labels that IA divides by.
    pub fn from_masks(
        grid: [usize; 3],
        masks: impl IntoIterator<Item = (L, Mask)>,
    ) -> Result<Self, Error> {
        let masks: Vec<_> = masks.into_iter().collect();
        let boxes = masks.iter().map(|(_, mask)| mask.bounds());
        let whole = boxes.fold(Bounds::default(), |all, one| all.union(&one));
        let all = Bounds {
            start: [0; 3],
            end: grid,
        };
        if !all.holds(&whole) {
            return Err(Error::OutsideGrid { grid });
        }
        let mut foreground = Mask::blank(whole);
        let mut all = BTreeMap::<L, Mask>::new();
        for (label, mask) in masks {
            foreground.or(&mask);
            match all.entry(label) {
                Entry::Vacant(free) => {
                    free.insert(mask);
                }
                Entry::Occupied(mut taken) => taken.get_mut().unite(&mask),
            }
        }
        Ok(Self::from_parts(grid, all, BTreeMap::new(), foreground))
    }

    pub(crate) fn from_parts(
        grid: [usize; 3],
        masks: BTreeMap<L, Mask>,
        unmatched: BTreeMap<L, u64>,
        foreground: Mask,
    ) -> Self {
        Self {
            grid,
            masks,
            unmatched,
            foreground,
        }
    }

    /// `[z, y, x]`
    pub fn grid(&self) -> [usize; 3] {
        self.grid
    }

    /// All labels present, those without a voxel and without a kept mask included.
    pub fn labels(&self) -> impl Iterator<Item = &L> {
        let all: BTreeSet<_> = self.masks.keys().chain(self.unmatched.keys()).collect();
        all.into_iter()
    }

    /// `None` if the label is absent, or its mask was not kept.
    pub fn mask(&self, label: &L) -> Option<&Mask> {
        self.masks.get(label)
    }

    /// Size of a label; `None` if it is absent.
    pub fn voxels(&self, label: &L) -> Option<u64> {
        self.mask(label)
            .map(Mask::voxels)
            .or_else(|| self.unmatched.get(label).copied())
    }

    /// The union of all labels.
    pub fn foreground(&self) -> &Mask {
        &self.foreground
    }

    /// What its masks take, labels left out.
    pub fn size_bytes(&self) -> usize {
        let masks = self.masks.values().chain([&self.foreground]);
        masks.map(Mask::size_bytes).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.foreground.is_empty()
    }
}
