//! A submission measured by one scorer against one version of the references.

use std::collections::{BTreeMap, BTreeSet};

use molar_metrics::Measure;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::metric::Metric;
use crate::spelled_enum;
use crate::spelling::UnknownWord;

/// That of the metrics, which a test of theirs has raised whenever a number changes.
pub const SCORER_VERSION: &str = molar_metrics::VERSION;

spelled_enum! {
    /// ```text
    /// running ──Finish──▶ finished        running ──Cancel──▶ cancelled
    /// ```
    pub enum EvaluationState as "evaluation state" {
        Running = "running",
        Finished = "finished",
        Cancelled = "cancelled",
    }
}

spelled_enum! {
    pub enum Event as "evaluation event" {
        Finish = "finish",
        Cancel = "cancel",
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an evaluation that is {from} cannot {event}")]
pub struct InvalidTransition {
    pub from: EvaluationState,
    pub event: Event,
}

impl EvaluationState {
    pub const fn is_final(self) -> bool {
        !matches!(self, Self::Running)
    }

    pub fn apply(self, event: Event) -> Result<Self, InvalidTransition> {
        match (self, event) {
            (Self::Running, Event::Finish) => Ok(Self::Finished),
            (Self::Running, Event::Cancel) => Ok(Self::Cancelled),
            (from, event) => Err(InvalidTransition { from, event }),
        }
    }
}

/// What a score depends on beside submission, case, scorer and reference. Each evaluation holds its own.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Parameters {
    /// Sorted.
    pub metrics: Vec<String>,
    /// The worst running time.
    pub wall_s: u32,
    /// Those that some metric is a mean over.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub groups: BTreeMap<String, Vec<i32>>,
    /// Where some metric is in mm and an image does not say it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pixel_spacing_mm: Option<f64>,
}

impl Parameters {
    /// Takes over what the metrics need. Fails on a metric that no version of this program knew.
    pub fn new(
        metrics: &[String],
        wall_s: u32,
        groups: &BTreeMap<String, Vec<i32>>,
        pixel_spacing_mm: Option<f64>,
    ) -> Result<Self, UnknownWord> {
        let mut metrics = metrics.to_vec();
        metrics.sort();
        let measures = measures(&metrics)?;
        let is_used = |name: &str| measures.iter().any(|one| one.group() == Some(name));
        let used = groups.iter().filter(|(name, _)| is_used(name));
        let is_in_mm = measures.iter().any(Measure::needs_spacing);
        Ok(Self {
            groups: used
                .map(|(name, labels)| {
                    let labels: BTreeSet<_> = labels.iter().copied().collect();
                    (name.clone(), labels.into_iter().collect())
                })
                .collect(),
            pixel_spacing_mm: pixel_spacing_mm.filter(|_| is_in_mm),
            metrics,
            wall_s,
        })
    }

    /// What is measured beside the protocol's seven, which every case gets.
    pub fn further_measures(&self) -> Result<Vec<Measure>, UnknownWord> {
        let mut measures = measures(&self.metrics)?;
        let protocol = molar_metrics::Metric::ALL.map(Measure::from);
        measures.retain(|measure| !protocol.contains(measure));
        Ok(measures)
    }

    /// Names the parameters: equal for equal ones, whatever the order of the columns.
    pub fn hash(&self) -> String {
        let mut text = format!("metrics={};wall_s={}", self.metrics.join(","), self.wall_s);
        for (name, labels) in &self.groups {
            let labels: Vec<_> = labels.iter().map(i32::to_string).collect();
            text += &format!(";group={name}:{}", labels.join(","));
        }
        if let Some(mm) = self.pixel_spacing_mm {
            text += &format!(";pixel_spacing_mm={mm}");
        }
        hex::encode(Sha256::digest(text.as_bytes()))
    }
}

fn measures(metrics: &[String]) -> Result<Vec<Measure>, UnknownWord> {
    let parsed: Result<Vec<Metric>, _> = metrics.iter().map(|name| name.parse()).collect();
    let measure = |metric| match metric {
        Metric::Accuracy(measure) => Some(measure),
        Metric::RunningTime | Metric::GpuMemoryArea => None,
    };
    Ok(parsed?.into_iter().filter_map(measure).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finished_evaluation_stays_so() {
        assert!(EvaluationState::Finished.apply(Event::Cancel).is_err());
        assert!(EvaluationState::Cancelled.apply(Event::Finish).is_err());
        for &state in EvaluationState::ALL {
            assert_eq!(state.as_str().parse(), Ok(state));
        }
    }

    fn parameters(metrics: &[&str]) -> Parameters {
        let metrics: Vec<_> = metrics.iter().map(|&name| name.to_owned()).collect();
        let groups = [("upper", vec![11, 21]), ("lower", vec![31])];
        let groups = groups.map(|(name, labels)| (name.to_owned(), labels));
        Parameters::new(&metrics, 300, &groups.into(), Some(0.1)).unwrap()
    }

    #[test]
    fn the_order_of_the_columns_is_no_parameter_of_a_score() {
        let hash = parameters(&["IA", "image_DSC"]).hash();
        assert_eq!(hash, parameters(&["image_DSC", "IA"]).hash());
        assert_ne!(hash, parameters(&["IA"]).hash());
        // Another text of the same parameters would evaluate every submission again.
        let text = "metrics=IA,image_DSC;wall_s=300";
        assert_eq!(hash, hex::encode(Sha256::digest(text)));
    }

    #[test]
    fn only_what_a_metric_needs_is_a_parameter() {
        let plain = parameters(&["instance_DSC", "running_time_s"]);
        assert_eq!((plain.groups.len(), plain.pixel_spacing_mm), (0, None));
        assert_eq!(plain.further_measures().unwrap(), []);
        let further = parameters(&["IA", "instance_HD95/upper", "PQ"]);
        assert_eq!(further.groups.keys().collect::<Vec<_>>(), ["upper"]);
        assert_eq!(further.pixel_spacing_mm, Some(0.1));
        let names: Vec<_> = further.further_measures().unwrap();
        let names: Vec<_> = names.iter().map(Measure::to_string).collect();
        assert_eq!(names, ["PQ", "instance_HD95/upper"]);

        let mut other = further.clone();
        other.pixel_spacing_mm = Some(0.2);
        assert_ne!(other.hash(), further.hash());
        other = further.clone();
        other.groups.insert("upper".to_owned(), vec![11]);
        assert_ne!(other.hash(), further.hash());
        let text = serde_json::to_string(&further).unwrap();
        assert_eq!(serde_json::from_str::<Parameters>(&text).unwrap(), further);
    }
}
