//! What statistics and figures of a ranking are made from: its entries, and their values in each case.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::TryStreamExt as _;
use molar_domain::metric::Metric;
use molar_ranking::Direction;
use serde_json::Value;
use sqlx::PgPool;
use uuid::Uuid;

use crate::entries::is_of_group;
use crate::error::Error;

#[derive(Debug, Clone)]
pub struct Scored {
    /// Those that are ranked, best first.
    pub teams: Vec<Ranked>,
    pub cases: usize,
    pub metrics: Vec<Values>,
}

#[derive(Debug, Clone)]
pub struct Ranked {
    pub team_id: Uuid,
    pub rank: u32,
}

/// By one metric, what each team has in each case.
#[derive(Debug, Clone)]
pub struct Values {
    pub name: String,
    pub direction: Direction,
    pub rows: Vec<Vec<Cell>>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cell {
    Value(f64),
    /// The case has none of the labels that the metric is about, and does not count.
    None,
    /// It was not measured. What is no number, as NaN, is kept as `null` and comes here, too.
    Missing,
}

/// Of what was ranked, which never changes. In the order of the cases' names, which the draws go by.
pub async fn read(db: &PgPool, ranking_id: Uuid, order: &[String]) -> Result<Scored, Error> {
    let entries = sqlx::query!(
        r#"SELECT team_id, evaluation_id, final_rank AS "rank!", values FROM leaderboard.entries
           WHERE ranking_id = $1 AND final_rank IS NOT NULL ORDER BY final_rank, team_id"#,
        ranking_id,
    )
    .fetch_all(db)
    .await?;
    let values = entries.iter().filter_map(|entry| entry.values.as_object());
    let names = names(values.flat_map(|values| values.keys()), order);
    let teams: Vec<Ranked> = entries
        .iter()
        .map(|entry| Ranked {
            team_id: entry.team_id,
            rank: entry.rank.cast_unsigned(),
        })
        .collect();
    let evaluations: Vec<Uuid> = entries.iter().map(|entry| entry.evaluation_id).collect();
    let mut scored = Scored::empty(teams, names)?;
    scored.fill(db, &evaluations).await?;
    Ok(scored)
}

/// Metrics of a ranking, those of its entries, in the order of the phase as it is now.
pub fn names<'a>(ranked: impl Iterator<Item = &'a String>, order: &[String]) -> Vec<String> {
    let ranked: BTreeSet<&String> = ranked.collect();
    let kept = order.iter().filter(|name| ranked.contains(name));
    let gone = ranked.iter().copied().filter(|name| !order.contains(name));
    kept.chain(gone).cloned().collect()
}

impl Scored {
    fn empty(teams: Vec<Ranked>, names: Vec<String>) -> Result<Self, Error> {
        let values = |name: String| {
            let direction = if name.parse::<Metric>()?.is_higher_better() {
                Direction::HigherIsBetter
            } else {
                Direction::LowerIsBetter
            };
            Ok::<_, Error>(Values {
                name,
                direction,
                rows: vec![Vec::new(); teams.len()],
            })
        };
        Ok(Self {
            metrics: names.into_iter().map(values).collect::<Result<_, _>>()?,
            cases: 0,
            teams,
        })
    }

    async fn fill(&mut self, db: &PgPool, evaluations: &[Uuid]) -> Result<(), Error> {
        let teams = evaluations.iter().copied().zip(0..);
        let teams: BTreeMap<Uuid, usize> = teams.collect();
        let mut rows = sqlx::query!(
            r#"SELECT evaluation_id AS "evaluation_id!", case_id AS "case_id!", values AS "values!"
               FROM scoring.scored_cases WHERE evaluation_id = ANY($1) ORDER BY case_name, case_id"#,
            evaluations,
        )
        .fetch(db);
        let mut last = None;
        while let Some(row) = rows.try_next().await? {
            if last.replace(row.case_id) != Some(row.case_id) {
                self.begin_case();
            }
            if let Some(&team) = teams.get(&row.evaluation_id) {
                self.set(team, &row.values);
            }
        }
        Ok(())
    }

    /// Nobody has anything in the next case until it is set.
    pub fn begin_case(&mut self) {
        self.cases += 1;
        let rows = self.metrics.iter_mut().flat_map(|metric| &mut metric.rows);
        rows.for_each(|row| row.push(Cell::Missing));
    }

    /// What the team has in the last case.
    pub fn set(&mut self, team: usize, values: &Value) {
        for metric in &mut self.metrics {
            let cell = cell(&metric.name, values);
            if let Some(last) = metric.rows[team].last_mut() {
                *last = cell;
            }
        }
    }
}

impl Values {
    /// Whether some team has a value in some case.
    pub fn is_measured(&self) -> bool {
        let has_value = |row: &Vec<Cell>| row.iter().any(|cell| cell.value().is_some());
        self.rows.iter().any(has_value)
    }
}

impl Cell {
    pub fn value(&self) -> Option<f64> {
        match self {
            Self::Value(value) => Some(*value),
            Self::None | Self::Missing => None,
        }
    }
}

/// What the values of a case say of a metric.
pub fn cell(metric: &str, values: &Value) -> Cell {
    match values.get(metric) {
        Some(Value::Null) if is_of_group(metric) => Cell::None,
        value => value
            .and_then(Value::as_f64)
            .map_or(Cell::Missing, Cell::Value),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_null_is_missing_but_for_a_group_that_the_case_does_not_have() {
        let values = json!({"IA": 0.5, "image_DSC": f64::NAN, "instance_DSC/upper": null});
        assert_eq!(cell("IA", &values), Cell::Value(0.5));
        assert_eq!(cell("image_DSC", &values), Cell::Missing);
        assert_eq!(cell("running_time_s", &values), Cell::Missing);
        assert_eq!(cell("instance_DSC/upper", &values), Cell::None);
        assert_eq!(cell("instance_DSC/lower", &values), Cell::Missing);
    }

    #[test]
    fn metrics_are_those_of_the_ranking_in_the_order_of_the_phase() {
        let ranked = ["IA", "image_HD95", "image_DSC", "IA"].map(str::to_owned);
        let order = ["image_DSC", "PQ", "IA"].map(str::to_owned);
        assert_eq!(
            names(ranked.iter(), &order),
            ["image_DSC", "IA", "image_HD95"]
        );
    }
}
