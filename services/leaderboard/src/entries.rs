//! From scored cases to one entry a team: what they come to, and which submission counts.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use molar_domain::board::is_step_up;
use molar_domain::metric::Metric;
use molar_domain::phase::Keep;
use molar_domain::{EvaluationId, SubmissionId, TeamId};
use serde_json::Value;

use crate::spread::Spread;

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
    /// How its cases lie around each mean.
    pub spreads: BTreeMap<String, Option<Spread>>,
    pub cases: usize,
    /// Cases that were given the worst values.
    pub failed_cases: usize,
    /// Whether its means were made just now, and are not kept yet.
    pub is_new: bool,
    /// It is nobody's entry; a Ladder still remembers how high it was.
    pub is_withdrawn: bool,
    /// Of its team that may be the entry, this one among them.
    pub submissions: i32,
}

/// The mean of each metric over the cases, as statistics take it: the order of the cases changes no digit, so who has the
/// same values ties. A metric that any case lacks has no mean. A case that has none of
/// the labels that a metric is about does not count.
pub fn means(metrics: &[String], cases: &[Value]) -> BTreeMap<String, Option<f64>> {
    let mean = |metric: &String| molar_ranking::mean(&values(metric, cases)?);
    metrics
        .iter()
        .map(|metric| (metric.clone(), mean(metric)))
        .collect()
}

/// Around the means: none where there is no mean, or a single case.
pub fn spreads(metrics: &[String], cases: &[Value]) -> BTreeMap<String, Option<Spread>> {
    let spread = |metric: &String| Spread::of(values(metric, cases)?);
    metrics
        .iter()
        .map(|metric| (metric.clone(), spread(metric)))
        .collect()
}

/// At least one; none where a case lacks it.
fn values(metric: &str, cases: &[Value]) -> Option<Vec<f64>> {
    let has_it = |case: &&Value| !(is_of_group(metric) && case.get(metric) == Some(&Value::Null));
    let values: Option<Vec<f64>> = cases
        .iter()
        .filter(has_it)
        .map(|case| case.get(metric)?.as_f64())
        .collect();
    values.filter(|values| !values.is_empty())
}

/// Whether a case without any of its labels has `null` for it, and does not count.
pub fn is_of_group(metric: &str) -> bool {
    let metric = metric.parse::<Metric>();
    matches!(metric, Ok(Metric::Accuracy(measure)) if measure.group().is_some())
}

/// Whether it is measured on the run of a container, as its time is, and not on what came out.
pub fn is_of_run(metric: &str) -> bool {
    metric
        .parse::<Metric>()
        .is_ok_and(|metric| metric.is_of_run())
}

/// By which of its submissions a team stands.
#[derive(Debug, Clone, Copy)]
pub struct Choice<'a> {
    pub keep: Keep,
    /// Of `best`: by which metric, and whether more of it is better.
    pub metric: Option<(&'a str, bool)>,
    /// Of `best`: the step of a Ladder.
    pub step: Option<f64>,
}

/// Of each team the one evaluation that is its entry, in the order of the teams' ids.
///
/// `latest`: the submission handed in last. `best`: by one metric, the earlier of equals, a missing
/// value behind every other; on a Ladder the last that was more than a step better than the one before.
/// `chosen`: the team's choice, and its latest until it has chosen.
pub fn kept(candidates: Vec<Candidate>, choice: Choice<'_>) -> Vec<Candidate> {
    let mut by_team: BTreeMap<TeamId, Vec<Candidate>> = BTreeMap::new();
    for candidate in candidates {
        by_team.entry(candidate.team).or_default().push(candidate);
    }
    let entries = by_team.into_values().filter_map(|of_team| {
        let may_be = of_team.iter().filter(|one| !one.is_withdrawn).count();
        let entry = match choice {
            Choice {
                metric: Some((metric, is_higher_better)),
                step: Some(step),
                ..
            } => top_rung(of_team, metric, is_higher_better, step),
            Choice { keep, metric, .. } => preferred(of_team, keep, metric),
        };
        Some(Candidate {
            submissions: i32::try_from(may_be).unwrap_or(i32::MAX),
            ..entry?
        })
    });
    entries.collect()
}

fn preferred(
    of_team: Vec<Candidate>,
    keep: Keep,
    metric: Option<(&str, bool)>,
) -> Option<Candidate> {
    let may_be = of_team.into_iter().filter(|one| !one.is_withdrawn);
    may_be.reduce(|held, new| match is_preferred(&new, &held, keep, metric) {
        true => new,
        false => held,
    })
}

/// In the order in which they were handed in, each that is more than a step better than the last such one is a rung.
///
/// A withdrawn one stays a rung: else a team would read the values below the step by withdrawing what stands above. The
/// entry is the highest rung that was not withdrawn.
fn top_rung(
    mut of_team: Vec<Candidate>,
    metric: &str,
    is_higher_better: bool,
    step: f64,
) -> Option<Candidate> {
    of_team.sort_by_key(|one| (one.submitted_at, one.submission));
    let mut stands = None;
    let mut entry = None;
    for candidate in of_team {
        let value = candidate.means.get(metric).copied().flatten();
        let is_rung = match (value, stands) {
            (Some(new), Some(stands)) => is_step_up(new, stands, is_higher_better, step),
            (Some(_), None) => true,
            (None, _) => entry.is_none() && stands.is_none(),
        };
        if is_rung {
            stands = value.or(stands);
            entry = Some(candidate).filter(|one| !one.is_withdrawn).or(entry);
        }
    }
    entry
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
            spreads: BTreeMap::new(),
            cases: 1,
            failed_cases: 0,
            is_new: false,
            is_withdrawn: false,
            submissions: 1,
        }
    }

    fn by(keep: Keep, metric: Option<(&str, bool)>) -> Choice<'_> {
        Choice {
            keep,
            metric,
            step: None,
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
            submissions(kept(all.clone(), by(Keep::Best, Some(("IA", true))))),
            [1, 5]
        );
        assert_eq!(
            submissions(kept(all, by(Keep::Best, Some(("IA", false))))),
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
        assert_eq!(submissions(kept(all.clone(), by(Keep::Latest, None))), [3]);
        assert_eq!(submissions(kept(all.clone(), by(Keep::Chosen, None))), [3]);
        all[0].is_chosen = true;
        assert_eq!(submissions(kept(all.clone(), by(Keep::Chosen, None))), [1]);
        assert_eq!(submissions(kept(all, by(Keep::Latest, None))), [3]);
    }

    fn on_a_ladder(all: &[Candidate], step: f64) -> Vec<u128> {
        let choice = Choice {
            step: Some(step),
            ..by(Keep::Best, Some(("IA", true)))
        };
        submissions(kept(all.to_vec(), choice))
    }

    #[test]
    fn on_a_ladder_only_a_step_above_the_last_one_counts() {
        let mut all = vec![
            candidate(1, 4, Some(0.58)),
            candidate(1, 1, Some(0.5)),
            candidate(1, 2, Some(0.54)),
            candidate(1, 3, Some(0.56)),
            candidate(2, 5, None),
            candidate(2, 6, Some(0.1)),
        ];
        assert_eq!(on_a_ladder(&all, 0.05), [3, 6]);
        assert_eq!(on_a_ladder(&all, 0.01), [4, 6]);
        assert_eq!(on_a_ladder(&all[..4], 0.1), [1]);
        // What lay below the step does not come out by withdrawing what stood above it.
        all[1].is_withdrawn = true;
        assert_eq!(on_a_ladder(&all[..4], 0.1), [0; 0]);
        assert_eq!(on_a_ladder(&all[..4], 0.05), [3]);
        all[3].is_withdrawn = true;
        assert_eq!(on_a_ladder(&all[..4], 0.05), [0; 0]);
    }

    #[test]
    fn what_was_withdrawn_is_nobodys_entry_and_is_not_counted() {
        let mut all = vec![candidate(1, 1, Some(0.5)), candidate(1, 2, Some(0.9))];
        let latest = |all: &[Candidate]| kept(all.to_vec(), by(Keep::Latest, None));
        assert_eq!(latest(&all)[0].submissions, 2);
        all[1].is_withdrawn = true;
        assert_eq!(latest(&all)[0].submissions, 1);
        assert_eq!(submissions(latest(&all)), [1]);
    }

    #[test]
    fn of_two_in_the_same_instant_the_one_with_the_later_id_is_the_latest() {
        let mut all = vec![candidate(1, 2, Some(0.5)), candidate(1, 1, Some(0.5))];
        all[1].submitted_at = all[0].submitted_at;
        for all in [all.clone(), all.into_iter().rev().collect()] {
            let latest = kept(all.clone(), by(Keep::Latest, None));
            assert_eq!(submissions(latest), [2]);
            let best = kept(all, by(Keep::Best, Some(("IA", true))));
            assert_eq!(submissions(best), [1]);
        }
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

    /// 0.1 + 0.2 + 0.3 is 0.6000000000000001 in this order and 0.6 in the other; `math.fsum` of Python 3 says 0.6.
    #[test]
    fn the_same_values_in_other_cases_come_to_the_same() {
        let metrics = ["IA".to_owned()];
        let mean = |values: [f64; 3]| means(&metrics, &values.map(|ia| json!({"IA": ia})))["IA"];
        assert_eq!(mean([0.1, 0.2, 0.3]), Some(0.6 / 3.0));
        assert_eq!(mean([0.3, 0.2, 0.1]), Some(0.6 / 3.0));
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
