use std::{borrow::Cow, collections::BTreeMap, fmt::Debug};

use rayon::prelude::*;

use crate::{
    CaseScores, Detection, Error, Groups, JointCounts, LabelScore, MATCH_THRESHOLD, Mask, Matching,
    Measure, Metric, Panoptic, Quantity, Segmentation, Spacing, SurfaceDistances, protocol_scores,
    scores::check,
};

/// What the masks do not say and some measures need.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a, L: Ord + Clone> {
    /// Of the measures in mm; the protocol's own are in voxels whatever it is.
    pub spacing: Spacing,
    /// What HD, HD95 and ASSD are where a mask is empty: the diagonal of the whole image, see
    /// [`Spacing::diagonal_mm`].
    pub diagonal_mm: f64,
    pub groups: &'a Groups<L>,
    /// For matching other than by label where the prediction's masks were not all kept; without it
    /// they are counted from the masks.
    pub joint: Option<&'a JointCounts<L>>,
    /// The protocol's scores where they are known already, such as from a
    /// [`StreamScorer`](crate::StreamScorer); without them they are computed from the masks.
    pub scores: Option<&'a CaseScores<L>>,
}

/// The value of one measure.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured<L> {
    /// `None` for a group that the reference has no label of.
    pub value: Option<f64>,
    /// What the value is the mean of, in the order of the labels; empty where it is no mean.
    pub labels: Vec<(L, f64)>,
}

/// Measures a prediction in any ways at once, in the order asked for.
///
/// What measures share is computed once: the surface distances of a label serve HD, HD95, ASSD and
/// NSD at every tolerance, and are dropped before that label's thread takes the next. Only what some
/// measure needs is computed. All cores are used.
///
/// A reference without a label, or with a label that has no voxel, is refused as
/// [`protocol_scores`] refuses it, so every value but that of a group without a label is finite.
/// So is a measure of an unknown group, a surface of more than [`MAX_ELEMENTS`](crate::MAX_ELEMENTS) where
/// distances are asked for, and matching whatever the labels without the masks or
/// [`Context::joint`] to do so.
pub fn measure<L>(
    reference: &Segmentation<L>,
    prediction: &Segmentation<L>,
    context: &Context<'_, L>,
    measures: &[Measure],
) -> Result<Vec<Measured<L>>, Error>
where
    L: Ord + Clone + Debug + Send + Sync,
{
    check(reference, prediction)?;
    for group in measures.iter().filter_map(Measure::group) {
        context.groups.find(group)?;
    }
    let case = Case {
        scores: scores(reference, prediction, context, measures)?,
        surfaces: Surfaces::of(reference, prediction, context, measures)?,
        panoptic: panoptic(reference, prediction, context, measures)?,
    };
    let indexed = measures.iter().enumerate();
    indexed
        .map(|(index, measure)| case.measured(index, measure, context))
        .collect()
}

/// Everything that the measures are read from.
struct Case<'a, L: Clone> {
    /// If some measure is the protocol's.
    scores: Option<Cow<'a, CaseScores<L>>>,
    surfaces: Surfaces<L>,
    panoptic: BTreeMap<Matching, Panoptic>,
}

/// For each measure its value, where it is one of surface distances.
type Row = Vec<Option<f64>>;

struct Surfaces<L> {
    image: Row,
    labels: Vec<(L, Row)>,
}

impl<L: Ord + Clone + Debug + Send + Sync> Surfaces<L> {
    fn of(
        reference: &Segmentation<L>,
        prediction: &Segmentation<L>,
        context: &Context<'_, L>,
        measures: &[Measure],
    ) -> Result<Self, Error> {
        let of_image = |measure: &Measure| match measure {
            Measure::Image(quantity) => Some(*quantity),
            _ => None,
        };
        let of_instance = |measure: &Measure| match measure {
            Measure::Instance { quantity, .. } => Some(*quantity),
            _ => None,
        };
        let [image, instance]: [Vec<_>; 2] = [
            measures.iter().map(of_image).collect(),
            measures.iter().map(of_instance).collect(),
        ];
        let labels: Vec<_> = reference.labels().cloned().collect();
        let row_of = |label: &L, asked: &[Option<Quantity>]| match reference.mask(label) {
            Some(mask) => row(mask, prediction.mask(label), context, asked),
            None => Ok(vec![None; asked.len()]),
        };
        let (image, labels) = rayon::join(
            || {
                let other = Some(prediction.foreground());
                row(reference.foreground(), other, context, &image)
            },
            || {
                let rows = labels.into_par_iter().map(|label| {
                    let row = row_of(&label, &instance)?;
                    Ok((label, row))
                });
                rows.collect::<Result<_, Error>>()
            },
        );
        Ok(Self {
            image: image?,
            labels: labels?,
        })
    }
}

fn row<L: Ord + Clone>(
    reference: &Mask,
    prediction: Option<&Mask>,
    context: &Context<'_, L>,
    asked: &[Option<Quantity>],
) -> Result<Row, Error> {
    let is_wanted = |quantity: &Quantity| !quantity.is_of_the_protocol();
    if !asked.iter().flatten().any(is_wanted) {
        return Ok(vec![None; asked.len()]);
    }
    let distances = match prediction {
        Some(prediction) => SurfaceDistances::between(reference, prediction, context.spacing)?,
        None => None,
    };
    let value = |quantity: Quantity| match &distances {
        Some(distances) => quantity.of_surfaces(distances),
        None => Some(quantity.worst(context.diagonal_mm)),
    };
    let values = asked
        .iter()
        .map(|quantity| quantity.filter(is_wanted).and_then(value));
    Ok(values.collect())
}

fn scores<'a, L>(
    reference: &Segmentation<L>,
    prediction: &Segmentation<L>,
    context: &Context<'a, L>,
    measures: &[Measure],
) -> Result<Option<Cow<'a, CaseScores<L>>>, Error>
where
    L: Ord + Clone + Debug + Send + Sync,
{
    if !measures.iter().any(Measure::is_of_the_protocol) {
        return Ok(None);
    }
    Ok(Some(match context.scores {
        Some(scores) => Cow::Borrowed(scores),
        None => Cow::Owned(protocol_scores(reference, prediction)?),
    }))
}

fn panoptic<L: Ord + Clone + Debug>(
    reference: &Segmentation<L>,
    prediction: &Segmentation<L>,
    context: &Context<'_, L>,
    measures: &[Measure],
) -> Result<BTreeMap<Matching, Panoptic>, Error> {
    let asked: Vec<_> = measures.iter().filter_map(Measure::matching).collect();
    if asked.is_empty() {
        return Ok(BTreeMap::new());
    }
    let counted;
    let joint = match context.joint {
        Some(joint) => joint,
        None if asked.iter().all(|&matching| matching == Matching::Label) => {
            counted = JointCounts::of_same_labels(reference, prediction);
            &counted
        }
        None => {
            counted = JointCounts::of(reference, prediction)?;
            &counted
        }
    };
    let wanted = Matching::ALL
        .into_iter()
        .filter(|matching| asked.contains(matching));
    Ok(wanted
        .map(|matching| (matching, Panoptic::of(joint, matching, MATCH_THRESHOLD)))
        .collect())
}

impl<L: Ord + Clone> Case<'_, L> {
    fn measured(
        &self,
        index: usize,
        measure: &Measure,
        context: &Context<'_, L>,
    ) -> Result<Measured<L>, Error> {
        let value = match measure {
            Measure::Instance { quantity, group } => {
                let labels = self.label_values(index, *quantity);
                return mean_of_group(labels, group.as_deref(), context.groups);
            }
            Measure::Image(Quantity::Dsc) => self.score(Metric::ImageDsc),
            Measure::Image(Quantity::Iou) => self.score(Metric::ImageIou),
            Measure::Image(Quantity::Nsd) => self.score(Metric::ImageNsd),
            Measure::Image(_) => self.surfaces.image[index],
            Measure::Ia => self.score(Metric::Ia),
            Measure::Detection(detection, matching) => {
                let panoptic = self.panoptic.get(matching);
                panoptic.and_then(|panoptic| detection.of(panoptic))
            }
        };
        let labels = Vec::new();
        Ok(Measured { value, labels })
    }

    fn score(&self, metric: Metric) -> Option<f64> {
        self.scores.as_ref().map(|scores| scores.value(metric))
    }

    /// Of the reference's labels.
    fn label_values(&self, index: usize, quantity: Quantity) -> Vec<(L, f64)> {
        let of_label: fn(&LabelScore<L>) -> f64 = match quantity {
            Quantity::Dsc => |label| label.dsc,
            Quantity::Iou => |label| label.iou,
            Quantity::Nsd => |label| label.nsd,
            _ => {
                let rows = self.surfaces.labels.iter();
                return rows
                    .filter_map(|(l, row)| Some((l.clone(), row[index]?)))
                    .collect();
            }
        };
        let scores = self.scores.iter().flat_map(|scores| &scores.labels);
        scores
            .filter(|label| label.present_in_reference)
            .map(|label| (label.label.clone(), of_label(label)))
            .collect()
    }
}

fn mean_of_group<L: Ord>(
    mut labels: Vec<(L, f64)>,
    group: Option<&str>,
    groups: &Groups<L>,
) -> Result<Measured<L>, Error> {
    if let Some(name) = group {
        let group = groups.find(name)?;
        labels.retain(|(label, _)| group.contains(label));
    }
    let sum = || labels.iter().map(|(_, value)| value).sum::<f64>();
    let value = (!labels.is_empty()).then(|| sum() / labels.len() as f64);
    Ok(Measured { value, labels })
}

impl Detection {
    fn of(self, panoptic: &Panoptic) -> Option<f64> {
        match self {
            Self::Pq => panoptic.pq(),
            Self::Sq => panoptic.sq(),
            Self::Rq => panoptic.rq(),
            Self::Precision => panoptic.precision(),
            Self::Recall => panoptic.recall(),
            Self::F1 => panoptic.f1(),
        }
    }
}
