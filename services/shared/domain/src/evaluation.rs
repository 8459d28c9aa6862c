//! A submission measured by one scorer against one version of the references.

use sha2::{Digest, Sha256};

use crate::spelled_enum;

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

/// Names the parameters that a score depends on beside submission, case, scorer and reference: the
/// metrics asked for and the two limits that worst values are made of.
pub fn parameters_hash(metrics: &[String], limits: &crate::limits::Limits) -> String {
    let mut sorted = metrics.to_vec();
    sorted.sort();
    let text = format!("metrics={};wall_s={}", sorted.join(","), limits.wall_s);
    hex::encode(Sha256::digest(text.as_bytes()))
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

    #[test]
    fn the_order_of_the_columns_is_no_parameter_of_a_score() {
        let limits = crate::limits::Limits::default();
        let a = parameters_hash(&["IA".into(), "image_DSC".into()], &limits);
        assert_eq!(
            a,
            parameters_hash(&["image_DSC".into(), "IA".into()], &limits)
        );
        assert_ne!(a, parameters_hash(&["IA".into()], &limits));
    }
}
