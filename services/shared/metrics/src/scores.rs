use std::{collections::BTreeSet, fmt::Debug};

use rayon::prelude::*;

use crate::{Error, Mask, Overlap, Segmentation, surface_dice};

/// The challenge's seven accuracy metrics of one case, and what they are made of.
#[derive(Debug, Clone, PartialEq)]
pub struct CaseScores<L> {
    pub image_dsc: f64,
    pub image_iou: f64,
    pub image_nsd: f64,
    pub instance_dsc: f64,
    pub instance_iou: f64,
    pub instance_nsd: f64,
    pub ia: f64,
    /// Every label of the reference or the prediction, in order.
    pub labels: Vec<LabelScore<L>>,
}

/// How well one label was found. All values are 0 for a label that either side lacks; only labels of
/// the reference count in the instance metrics.
#[derive(Debug, Clone, PartialEq)]
pub struct LabelScore<L> {
    pub label: L,
    pub present_in_reference: bool,
    pub present_in_prediction: bool,
    pub dsc: f64,
    pub iou: f64,
    pub nsd: f64,
    /// IoU > 0.5, strictly: counted by IA.
    pub is_match: bool,
    pub reference_voxels: u64,
    pub prediction_voxels: u64,
}

/// Scores a prediction by the protocol of the challenge.
///
/// The image metrics compare the foregrounds; the instance metrics are means over the reference's
/// labels, matched by label; IA is the number of the reference's labels with IoU > 0.5 over the
/// number of labels of either side. An empty prediction scores 0 throughout; every value is finite.
///
/// A reference without a label, or with a label that has no voxel, is refused: the challenge's own
/// code divides by zero there.
pub fn protocol_scores<L>(
    reference: &Segmentation<L>,
    prediction: &Segmentation<L>,
) -> Result<CaseScores<L>, Error>
where
    L: Ord + Clone + Debug + Send + Sync,
{
    check(reference, prediction)?;

    let union: BTreeSet<&L> = reference.labels().chain(prediction.labels()).collect();
    let (image, labels) = rayon::join(
        || Pair::of(reference.foreground(), prediction.foreground()),
        || -> Vec<_> {
            let union: Vec<_> = union.into_iter().collect();
            union
                .into_par_iter()
                .map(|label| score(label, reference, prediction))
                .collect()
        },
    );

    Ok(CaseScores::of(image, labels))
}

impl<L> CaseScores<L> {
    /// The same scores under other names of the labels, in the order that they have.
    pub fn map_labels<M>(self, name: impl Fn(L) -> M) -> CaseScores<M> {
        let labels = self.labels.into_iter();
        CaseScores {
            image_dsc: self.image_dsc,
            image_iou: self.image_iou,
            image_nsd: self.image_nsd,
            instance_dsc: self.instance_dsc,
            instance_iou: self.instance_iou,
            instance_nsd: self.instance_nsd,
            ia: self.ia,
            labels: labels.map(|score| score.map_label(&name)).collect(),
        }
    }

    /// Of the foregrounds and of every label of either side.
    pub(crate) fn of(image: Pair, labels: Vec<LabelScore<L>>) -> Self {
        let wanted: Vec<_> = labels
            .iter()
            .filter(|label| label.present_in_reference)
            .collect();
        let mean = |value: fn(&LabelScore<L>) -> f64| {
            wanted.iter().map(|label| value(label)).sum::<f64>() / wanted.len() as f64
        };
        let matches = wanted.iter().filter(|label| label.is_match).count();
        Self {
            image_dsc: image.dsc,
            image_iou: image.iou,
            image_nsd: image.nsd,
            instance_dsc: mean(|label| label.dsc),
            instance_iou: mean(|label| label.iou),
            instance_nsd: mean(|label| label.nsd),
            ia: matches as f64 / labels.len() as f64,
            labels,
        }
    }
}

impl<L> LabelScore<L> {
    fn map_label<M>(self, name: impl Fn(L) -> M) -> LabelScore<M> {
        LabelScore {
            label: name(self.label),
            present_in_reference: self.present_in_reference,
            present_in_prediction: self.present_in_prediction,
            dsc: self.dsc,
            iou: self.iou,
            nsd: self.nsd,
            is_match: self.is_match,
            reference_voxels: self.reference_voxels,
            prediction_voxels: self.prediction_voxels,
        }
    }

    /// `voxels` are those of the reference and of the prediction; `None` where the label is absent.
    pub(crate) fn of(label: L, pair: Pair, voxels: [Option<u64>; 2]) -> Self {
        let [reference, prediction] = voxels;
        Self {
            label,
            present_in_reference: reference.is_some(),
            present_in_prediction: prediction.is_some(),
            dsc: pair.dsc,
            iou: pair.iou,
            nsd: pair.nsd,
            is_match: pair.is_match,
            reference_voxels: reference.unwrap_or(0),
            prediction_voxels: prediction.unwrap_or(0),
        }
    }
}

pub(crate) fn check<L: Ord + Debug>(
    reference: &Segmentation<L>,
    prediction: &Segmentation<L>,
) -> Result<(), Error> {
    if reference.grid() != prediction.grid() {
        return Err(Error::GridMismatch {
            reference: reference.grid(),
            prediction: prediction.grid(),
        });
    }
    if reference.labels().next().is_none() {
        return Err(Error::EmptyReference);
    }
    for label in reference.labels() {
        let name = || format!("{label:?}");
        if reference.voxels(label) == Some(0) {
            return Err(Error::EmptyReferenceLabel { label: name() });
        }
        let is_kept = |side: &Segmentation<L>| side.mask(label).is_some();
        if !is_kept(reference) || prediction.voxels(label).is_some() && !is_kept(prediction) {
            return Err(Error::MaskNotKept { label: name() });
        }
    }
    Ok(())
}

fn score<L: Ord + Clone>(
    label: &L,
    reference: &Segmentation<L>,
    prediction: &Segmentation<L>,
) -> LabelScore<L> {
    let pair = match (reference.mask(label), prediction.mask(label)) {
        (Some(reference), Some(prediction)) => Pair::of(reference, prediction),
        _ => Pair::default(),
    };
    let voxels = [reference, prediction].map(|side| side.voxels(label));
    LabelScore::of(label.clone(), pair, voxels)
}

/// Two masks compared; the default is that of one empty mask.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Pair {
    dsc: f64,
    iou: f64,
    nsd: f64,
    is_match: bool,
}

impl Pair {
    fn of(reference: &Mask, prediction: &Mask) -> Self {
        let overlap = Overlap::of(reference, prediction);
        Self::of_counts(&overlap, || surface_dice(reference, prediction))
    }

    pub(crate) fn of_counts(overlap: &Overlap, nsd: impl FnOnce() -> Option<f64>) -> Self {
        if overlap.reference == 0 || overlap.prediction == 0 {
            return Self::default();
        }
        Self {
            dsc: overlap.dice().unwrap_or(0.0),
            iou: overlap.iou().unwrap_or(0.0),
            nsd: nsd().unwrap_or(0.0),
            is_match: overlap.is_match(),
        }
    }
}
