//! From rows to steps: what is told of them, and of how many.

use chrono::{DateTime, Utc};
use molar_domain::metric::Metric;
use serde::Serialize;
use serde_json::Value;

use super::rows::Row;
use crate::digits;

/// As many as a figure can show; a page of more would be long to read.
pub const MOST: usize = 500;

/// From a version on it was so, until the next step.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = HistoryStep)]
pub struct Step {
    pub version: i32,
    /// When that version was made.
    pub at: DateTime<Utc>,
    /// Whether the team was on the board.
    pub is_there: bool,
    /// Null out of competition, and where it was not on the board.
    pub rank: Option<i32>,
    /// Mean over the cases; null where it was not measured, and where the team was not on the board.
    pub value: Option<f64>,
}

impl Step {
    fn is_as(&self, other: &Self) -> bool {
        self.has_place_of(other) && self.value == other.value
    }

    fn has_place_of(&self, other: &Self) -> bool {
        (self.is_there, self.rank) == (other.is_there, other.rank)
    }
}

/// `is_exact`: for those who see everything. To all others a change of what a run used that [`digits`] does not tell is none.
pub fn told(rows: Vec<Row>, metric: &Metric, is_exact: bool) -> Vec<Step> {
    let value = |value: f64| match is_exact {
        true => value,
        false => digits::rounded(metric, value),
    };
    let step = |row: Row| Step {
        version: row.version,
        at: row.made_at,
        is_there: row.is_there,
        rank: row.final_rank,
        value: row.value.as_ref().and_then(Value::as_f64).map(value),
    };
    let mut steps: Vec<Step> = rows.into_iter().map(step).collect();
    steps.dedup_by(|later, earlier| later.is_as(earlier));
    steps
}

/// So many at most. The first, the last and each change of the rank come before the others, of which every so many are taken.
pub fn thinned(steps: Vec<Step>, most: usize) -> Vec<Step> {
    if steps.len() <= most {
        return steps;
    }
    let last = steps.len() - 1;
    let is_first = |at: usize| at == 0 || !steps[at].has_place_of(&steps[at - 1]);
    let (first, others): (Vec<usize>, Vec<usize>) =
        (0..=last).partition(|&at| at == last || is_first(at));
    let mut taken = evenly(&first, most);
    taken.extend(evenly(&others, most - taken.len()));
    taken.sort_unstable();
    taken.into_iter().map(|at| steps[at].clone()).collect()
}

/// So many of them at most, the first and the last among these.
fn evenly(list: &[usize], most: usize) -> Vec<usize> {
    if list.len() <= most {
        return list.to_vec();
    }
    let places = (0..most).map(|at| at * (list.len() - 1) / most.saturating_sub(1).max(1));
    places.map(|place| list[place]).collect()
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use molar_testkit::noon;
    use serde_json::json;

    use super::*;

    fn row(version: i32, final_rank: Option<i32>, value: Option<Value>) -> Row {
        Row {
            version,
            made_at: noon() + TimeDelta::minutes(version.into()),
            is_there: true,
            final_rank,
            value,
        }
    }

    #[test]
    fn a_change_of_what_a_run_used_that_is_not_told_is_no_step() {
        let rows = vec![
            row(1, Some(1), Some(json!(10.04))),
            row(2, Some(1), Some(json!(10.01))),
            row(3, Some(2), Some(json!(10.02))),
            row(4, Some(2), Some(json!(10.06))),
        ];
        let of = |steps: Vec<Step>| -> Vec<(i32, Option<f64>)> {
            steps
                .iter()
                .map(|step| (step.version, step.value))
                .collect()
        };
        let metric = Metric::RunningTime;
        let seen = of(told(rows.clone(), &metric, false));
        assert_eq!(seen, [(1, Some(10.0)), (3, Some(10.0)), (4, Some(10.1))]);
        let exact = of(told(rows, &metric, true));
        assert_eq!(exact[1], (2, Some(10.01)));
        assert_eq!(exact.len(), 4);
    }

    #[test]
    fn what_was_not_measured_is_no_value_however_it_is_written() {
        let rows = vec![
            row(1, Some(1), None),
            row(2, Some(1), Some(Value::Null)),
            row(3, None, Some(Value::Null)),
        ];
        let steps = told(rows, &Metric::RunningTime, false);
        let versions: Vec<_> = steps.iter().map(|step| step.version).collect();
        assert_eq!(versions, [1, 3]);
        assert!(steps.iter().all(|step| step.value.is_none()));
    }

    /// A step for each of these ranks; the value is another in each.
    fn steps(ranks: impl Iterator<Item = i32>) -> Vec<Step> {
        let rows = (1..).zip(ranks);
        let rows = rows.map(|(version, rank)| row(version, Some(rank), Some(json!(version))));
        told(rows.collect(), &Metric::RunningTime, true)
    }

    #[test]
    fn of_many_the_first_the_last_and_each_change_of_the_rank_stay() {
        // One rank for 40 steps, then the next; the last changes nothing.
        let all = steps((0..1000).map(|at| at / 40));
        let thin = thinned(all.clone(), 100);
        assert_eq!(thin.len(), 100);
        for step in [&all[0], &all[40], &all[960], &all[999]] {
            assert!(thin.contains(step), "{step:?}");
        }
        let ranks: Vec<_> = thin.iter().map(|step| step.rank).collect();
        assert!(ranks.is_sorted() && (0..25).all(|rank| ranks.contains(&Some(rank))));
        let versions: Vec<_> = thin.iter().map(|step| step.version).collect();
        let gaps = versions.windows(2).map(|pair| pair[1] - pair[0]);
        assert!(gaps.max().is_some_and(|gap| gap < 20), "{versions:?}");
        assert_eq!(thinned(all.clone(), 1000), all);
    }

    #[test]
    fn where_the_rank_changes_all_the_time_some_of_that_is_left_out_too() {
        let all = steps((0..1000).map(|at| at % 7));
        let thin = thinned(all.clone(), 100);
        assert_eq!(thin.len(), 100);
        assert_eq!((&thin[0], &thin[99]), (&all[0], &all[999]));
        for most in [0, 1, 2] {
            assert_eq!(thinned(all.clone(), most).len(), most);
        }
    }
}
