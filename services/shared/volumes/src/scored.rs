use std::collections::BTreeMap;

use molar_metrics::{CaseScores, LabelScore, Measure, Measured, Metric};
use serde::Serialize;

use crate::label::Label;
use crate::labelme::{Complaint, Note};
use crate::plan::Plan;

/// A prediction's scores, and what its team is told about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Scored {
    pub scores: CaseScores<Label>,
    /// One for each measure of the plan.
    pub measured: Vec<Measured<Label>>,
    pub notes: Vec<Note>,
    /// Reasons to refuse it where it can still be mended, as in a zip; it has its scores all the same.
    pub complaints: Vec<Complaint>,
}

/// The results of one label, as they are stored and written.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LabelResult {
    pub label: String,
    pub present_in_reference: bool,
    pub present_in_prediction: bool,
    #[serde(rename = "DSC")]
    pub dsc: f64,
    #[serde(rename = "IoU")]
    pub iou: f64,
    #[serde(rename = "NSD")]
    pub nsd: f64,
    pub is_match: bool,
    pub reference_voxels: u64,
    pub prediction_voxels: u64,
    /// By quantity, such as `HD95`: what the means of the plan are made of. None for a label that the
    /// reference lacks.
    #[serde(flatten)]
    pub further: BTreeMap<String, f64>,
}

impl Scored {
    /// One of the protocol's seven, or of the plan that it was measured by. `None` for any other, and for a
    /// mean over a group of which the reference has no label.
    pub fn value(&self, plan: &Plan, measure: &Measure) -> Option<f64> {
        let is_it = |metric: &Metric| Measure::from(*metric) == *measure;
        if let Some(metric) = Metric::ALL.into_iter().find(is_it) {
            return Some(self.scores.value(metric));
        }
        let mut measured = plan.measures().iter().zip(&self.measured);
        measured.find(|(one, _)| *one == measure)?.1.value
    }

    /// Every label of the reference or the prediction, in order.
    pub fn labels(&self, plan: &Plan) -> Vec<LabelResult> {
        let labels = self.scores.labels.iter();
        labels
            .map(|score| LabelResult::of(score, self.further(&score.label, plan)))
            .collect()
    }

    fn further(&self, label: &Label, plan: &Plan) -> BTreeMap<String, f64> {
        let means = plan.measures().iter().zip(&self.measured);
        let of_label = means.filter_map(|(measure, measured)| {
            let Measure::Instance { quantity, .. } = measure else {
                return None;
            };
            let mut labels = measured.labels.iter();
            let (_, value) = labels.find(|(other, _)| other == label)?;
            (!quantity.is_of_the_protocol()).then(|| (quantity.to_string(), *value))
        });
        of_label.collect()
    }
}

impl LabelResult {
    fn of(score: &LabelScore<Label>, further: BTreeMap<String, f64>) -> Self {
        Self {
            label: score.label.to_string(),
            present_in_reference: score.present_in_reference,
            present_in_prediction: score.present_in_prediction,
            dsc: score.dsc,
            iou: score.iou,
            nsd: score.nsd,
            is_match: score.is_match,
            reference_voxels: score.reference_voxels,
            prediction_voxels: score.prediction_voxels,
            further,
        }
    }
}
