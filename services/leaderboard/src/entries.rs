//! From scored cases to one entry a team: means, and which submission counts.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use molar_domain::metric::Metric;
use molar_domain::phase::Keep;
use molar_domain::{EvaluationId, SubmissionId, TeamId};
use serde_json::Value;

/// A finished evaluation of a team that takes part.
#[derive(Debug, Clone)]
pub struct Candidate {
    pub evaluation: EvaluationId,
    pub submission: SubmissionId,
    pub team: TeamId,
    /// Why the team's entry is shown but not ranked.
    pub out_reason: Option<String>,
    pub submitted_at: DateTime<Utc>,
    pub is_chosen: bool,
    /// Mean over the cases by metric; none where a case has no value.
    pub means: BTreeMap<String, Option<f64>>,
    pub cases: usize,
    /// Cases that were given the worst values.
    pub failed_cases: usize,
    /// Whether its means were made just now, and are not kept yet.
    pub is_new: bool,
}

/// The mean of each metric over the cases. A metric that any case lacks has no mean. A case that has none of
/// the labels that a metric is about does not count.
pub fn means(metrics: &[String], cases: &[Value]) -> BTreeMap<String, Option<f64>> {
    let mean = |metric: &String| {
        let has_it =
            |case: &&Value| !(is_of_group(metric) && case.get(metric) == Some(&Value::Null));
        let values: Option<Vec<f64>> = cases
            .iter()
            .filter(has_it)
            .map(|case| case.get(metric)?.as_f64())
            .collect();
        let values = values.filter(|values| !values.is_empty())?;
        Some(values.iter().sum::<f64>() / values.len() as f64)
    };
    metrics
        .iter()
        .map(|metric| (metric.clone(), mean(metric)))
        .collect()
}

/// Whether a case without any of its labels has `null` for it, and does not count.
pub fn is_of_group(metric: &str) -> bool {
    let metric = metric.parse::<Metric>();
    matches!(metric, Ok(Metric::Accuracy(measure)) if measure.group().is_some())
}

/// Of each team the one evaluation that is its entry, in the order of the teams' ids.
///
/// `latest`: the submission handed in last. `best`: by one metric, the earlier of equals, a missing
/// value behind every other. `chosen`: the team's choice, and its latest until it has chosen.
pub fn kept(
    candidates: Vec<Candidate>,
    keep: Keep,
    metric: Option<(&str, bool)>,
) -> Vec<Candidate> {
    let mut by_team: BTreeMap<TeamId, Candidate> = BTreeMap::new();
    for candidate in candidates {
        match by_team.get(&candidate.team) {
            Some(held) if !is_preferred(&candidate, held, keep, metric) => {}
            _ => {
                by_team.insert(candidate.team, candidate);
            }
        }
    }
    by_team.into_values().collect()
}

fn is_preferred(
    new: &Candidate,
    held: &Candidate,
    keep: Keep,
    metric: Option<(&str, bool)>,
) -> bool {
    let is_later = (new.submitted_at, new.submission) > (held.submitted_at, held.submission);
    match (keep, metric) {
        (Keep::Best, Some((metric, is_higher_better))) => {
            let value = |candidate: &Candidate| candidate.means.get(metric).copied().flatten();
            match (value(new), value(held)) {
                (Some(new), Some(held)) if new == held => !is_later,
                (Some(new), Some(held)) => (new > held) == is_higher_better,
                (Some(_), None) => true,
                (None, Some(_)) => false,
                (None, None) => !is_later,
            }
        }
        (Keep::Chosen, _) if new.is_chosen != held.is_chosen => new.is_chosen,
        (Keep::Best | Keep::Latest | Keep::Chosen, _) => is_later,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use uuid::Uuid;

    use super::*;

    fn candidate(team: u128, submission: u128, ia: Option<f64>) -> Candidate {
        let minutes = chrono::TimeDelta::minutes(submission as i64);
        Candidate {
            evaluation: EvaluationId(Uuid::from_u128(submission)),
            submission: SubmissionId(Uuid::from_u128(submission)),
            team: TeamId(Uuid::from_u128(team)),
            out_reason: None,
            submitted_at: DateTime::UNIX_EPOCH + minutes,
            is_chosen: false,
            means: BTreeMap::from([("IA".to_owned(), ia)]),
            cases: 1,
            failed_cases: 0,
            is_new: false,
        }
    }

    fn submissions(kept: Vec<Candidate>) -> Vec<u128> {
        kept.iter().map(|c| c.submission.0.as_u128()).collect()
    }

    #[test]
    fn the_best_is_by_one_metric_and_the_earlier_wins_a_tie() {
        let all = vec![
            candidate(1, 3, Some(0.5)),
            candidate(1, 1, Some(0.7)),
            candidate(1, 2, Some(0.7)),
            candidate(1, 4, None),
            candidate(2, 5, None),
        ];
        assert_eq!(
            submissions(kept(all.clone(), Keep::Best, Some(("IA", true)))),
            [1, 5]
        );
        assert_eq!(
            submissions(kept(all, Keep::Best, Some(("IA", false)))),
            [3, 5]
        );
    }

    #[test]
    fn the_latest_counts_unless_the_team_may_choose_and_did() {
        let mut all = vec![
            candidate(1, 1, Some(0.9)),
            candidate(1, 3, Some(0.1)),
            candidate(1, 2, None),
        ];
        assert_eq!(submissions(kept(all.clone(), Keep::Latest, None)), [3]);
        assert_eq!(submissions(kept(all.clone(), Keep::Chosen, None)), [3]);
        all[0].is_chosen = true;
        assert_eq!(submissions(kept(all.clone(), Keep::Chosen, None)), [1]);
        assert_eq!(submissions(kept(all, Keep::Latest, None)), [3]);
    }

    #[test]
    fn a_metric_that_a_case_lacks_has_no_mean() {
        let metrics = ["IA".to_owned(), "gpu_memory_area_mib_s".to_owned()];
        let cases = [
            json!({"IA": 0.5, "gpu_memory_area_mib_s": 3.0}),
            json!({"IA": 1.0, "gpu_memory_area_mib_s": null}),
        ];
        let means = means(&metrics, &cases);
        assert_eq!(means["IA"], Some(0.75));
        assert_eq!(means["gpu_memory_area_mib_s"], None);
        assert_eq!(super::means(&metrics, &[])["IA"], None);
    }

    #[test]
    fn a_case_without_the_teeth_of_a_group_does_not_count_in_its_mean() {
        let name = "instance_DSC/deciduous".to_owned();
        let value = |cases: &[Value]| means(std::slice::from_ref(&name), cases)[&name];
        let child = |value: f64| json!({"instance_DSC/deciduous": value});
        let adult = || json!({"instance_DSC/deciduous": null});
        assert_eq!(value(&[child(0.25), adult(), child(0.75)]), Some(0.5));
        assert_eq!(value(&[adult()]), None);
        assert_eq!(value(&[child(0.25), json!({})]), None);
    }
}
