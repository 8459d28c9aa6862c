//! From a ranking to what is shown of it: the one place where a row loses what its reader may not see.
//!
//! Everything else (order, gains, ranks of rounded values, filters and columns of the page, CSV) is made from these rows, so
//! that nothing can tell more than they do.

use std::collections::BTreeMap;

use molar_domain::TeamId;
use molar_domain::board::Values;
use molar_domain::metric::Metric;
use molar_ranking::{Direction, rank};
use molar_web_kit::Caller;
use serde_json::Value;
use uuid::Uuid;

use super::movement::Before;
use super::sight::Sight;
use super::view::Row;
use crate::digits;
use crate::rows::means;
use crate::rows::rankings::Entry;

/// In place of a team that has left, or was taken off, since that ranking was made. Its rank was others' history, too;
/// its values were its own.
const GONE: &str = "(a team that is not on the board any more)";

const OUT: &str = "out of competition";

/// What is shown to whom.
pub struct Reader<'a> {
    pub sight: &'a Sight,
    pub caller: Option<&'a Caller>,
    pub metrics: &'a [String],
    /// Of the day before, where a ranking stood then.
    pub before: Option<&'a Before>,
    /// A team's name where names are not shown.
    pub pseudonym: &'a dyn Fn(Uuid) -> String,
}

impl Reader<'_> {
    /// By rank, then by the name that is shown; out of competition last.
    pub fn rows(&self, entries: Vec<Entry>) -> Vec<Row> {
        let mut rows: Vec<_> = entries.into_iter().map(|entry| self.row(entry)).collect();
        if self.sight.rules.values == Values::Rounded {
            self.rank_what_is_shown(&mut rows);
        }
        rows.sort_by(|a, b| {
            let key = |row: &Row| (row.rank.is_none(), row.rank);
            key(a).cmp(&key(b)).then_with(|| a.team.cmp(&b.team))
        });
        rows
    }

    fn row(&self, entry: Entry) -> Row {
        let (sight, rules) = (self.sight, &self.sight.rules);
        let is_own = self
            .caller
            .is_some_and(|caller| caller.is_member(TeamId(entry.team_id)));
        // When a team loses its place is known of it: under a pseudonym its row stays as it stood.
        let is_told = entry.has_place || sight.is_reviewer || !sight.has_names();
        let (has_names, has_details) =
            (sight.has_names() && is_told, sight.has_details() && is_told);
        let has_all_values = rules.values == Values::Shown && is_told;
        let mut row = Row {
            rank: entry.final_rank,
            interval: None,
            movement: self
                .before
                .and_then(|before| before.movement(entry.team_id, entry.final_rank)),
            team: match (sight.has_names(), is_told) {
                (true, true) => entry.team_name,
                (true, false) => GONE.to_owned(),
                (false, _) => (self.pseudonym)(entry.team_id),
            },
            values: BTreeMap::new(),
            spreads: BTreeMap::new(),
            ranks: BTreeMap::new(),
            gains: BTreeMap::new(),
            mean_rank: entry.mean_rank.filter(|_| has_details),
            submissions: entry.submissions.filter(|_| has_details),
            submitted_at: has_details.then_some(entry.submitted_at),
            cases: has_all_values.then_some(entry.cases),
            failed_cases: has_all_values.then_some(entry.failed_cases),
            out_reason: entry.out_reason.map(|reason| match has_names {
                true => reason,
                false => OUT.to_owned(),
            }),
            code_url: entry.code_url.filter(|_| has_names),
            submission_id: (is_own || sight.is_reviewer).then_some(entry.submission_id),
            is_mine: is_own,
            team_id: entry.team_id,
        };
        if sight.has_values() && is_told {
            row.values = numbers(&entry.values)
                .into_iter()
                .map(|(name, value)| (name, value.map(|value| rules.rounded(value))))
                .collect();
        }
        if sight.has_spreads() && is_told {
            let spreads = entry.spreads.unwrap_or_default();
            row.spreads = self
                .metrics
                .iter()
                .filter_map(|name| {
                    let spread = means::spread(&spreads, name)?;
                    Some((
                        name.clone(),
                        spread.map(|value| of_cases(sight, name, value)),
                    ))
                })
                .collect();
        }
        if has_all_values {
            row.ranks = serde_json::from_value(entry.ranks).unwrap_or_default();
        }
        row
    }

    /// The ranks by each metric of rounded values are those of the rounded values: equals are equal.
    fn rank_what_is_shown(&self, rows: &mut [Row]) {
        for name in self.metrics {
            let Ok(metric) = name.parse::<Metric>() else {
                continue;
            };
            let direction = match metric.is_higher_better() {
                true => Direction::HigherIsBetter,
                false => Direction::LowerIsBetter,
            };
            let competing = || rows.iter().filter(|row| row.rank.is_some());
            let values: Vec<_> = competing()
                .map(|row| row.values.get(name).copied().flatten())
                .collect();
            if values.iter().all(Option::is_none) {
                continue;
            }
            let ranks = rank(&values, direction);
            let competing = rows.iter_mut().filter(|row| row.rank.is_some());
            for (row, rank) in competing.zip(ranks) {
                row.ranks.insert(name.clone(), Some(rank));
            }
        }
    }
}

/// What is made of the values of few cases by one metric, and may be the value of one.
pub fn of_cases(sight: &Sight, metric: &str, value: f64) -> f64 {
    let value = match metric.parse::<Metric>() {
        Ok(metric) if !sight.is_reviewer => digits::rounded(&metric, value),
        _ => value,
    };
    sight.rules.rounded(value)
}

pub fn numbers(values: &Value) -> BTreeMap<String, Option<f64>> {
    let entries = values.as_object().into_iter().flatten();
    entries
        .map(|(name, value)| (name.clone(), value.as_f64()))
        .collect()
}
