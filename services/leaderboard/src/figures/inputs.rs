//! What the figures of a ranking are drawn from.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use futures_util::TryStreamExt as _;
use molar_domain::metric::Metric;
use molar_figures::Change;
use serde_json::Value;
use sqlx::PgPool;
use uuid::Uuid;

use super::rows::Due;
use crate::entries::is_of_group;
use crate::error::Error;

/// Whose ranks are followed through all versions.
const FOLLOWED: usize = 8;

#[derive(Debug, Clone)]
pub struct Inputs {
    /// Those that are ranked, best first.
    pub teams: Vec<Team>,
    pub cases: usize,
    pub metrics: Vec<Values>,
    /// Until when the ranks of this version stand.
    pub until: DateTime<Utc>,
}

#[derive(Debug, Clone)]
pub struct Team {
    /// None of a team that has left or was taken off since: others' ranks tell of it, no name and no value does.
    pub name: Option<String>,
    pub rank: i32,
    pub mean_rank: Option<f64>,
    /// As on the board.
    pub means: BTreeMap<String, f64>,
    /// Ranks from the first version on, of the first teams only.
    pub ranks: Vec<Change>,
}

/// By one metric, what each team has in each case.
#[derive(Debug, Clone)]
pub struct Values {
    pub name: String,
    pub metric: Metric,
    pub rows: Vec<Vec<Option<f64>>>,
    /// Every team has a value in every case, but for cases that have none of the labels that the metric is about.
    pub is_whole: bool,
}

/// Of what was ranked, which never changes, under the names that the teams have now.
pub async fn read(
    db: &PgPool,
    due: &Due,
    order: &[String],
    now: DateTime<Utc>,
) -> Result<Inputs, Error> {
    let entries = sqlx::query!(
        r#"SELECT e.team_id, e.evaluation_id, e.final_rank AS "rank!", e.mean_rank, e.values,
                  CASE WHEN p.state = 'approved' THEN p.team_name END AS name
           FROM leaderboard.entries e
           JOIN leaderboard.rankings r ON r.id = e.ranking_id
           JOIN tracks.phase_facts f ON f.phase_id = r.phase_id
           LEFT JOIN registration.participants p ON p.team_id = e.team_id AND p.track_id = f.track_id
           WHERE e.ranking_id = $1 AND e.final_rank IS NOT NULL
           ORDER BY e.final_rank, p.team_name COLLATE "C", e.team_id"#,
        due.ranking_id,
    )
    .fetch_all(db)
    .await?;
    let names = names(entries.iter().map(|entry| &entry.values), order);
    let evaluations: Vec<Uuid> = entries.iter().map(|entry| entry.evaluation_id).collect();
    let followed = entries.iter().filter(|entry| entry.name.is_some());
    let followed: Vec<Uuid> = followed.take(FOLLOWED).map(|entry| entry.team_id).collect();
    let mut ranks = history(db, due, &followed).await?;
    let teams = entries.into_iter().map(|entry| Team {
        name: entry.name,
        rank: entry.rank,
        mean_rank: entry.mean_rank,
        means: means(&entry.values),
        ranks: ranks.remove(&entry.team_id).unwrap_or_default(),
    });
    let mut inputs = Inputs::empty(teams.collect(), names, due.frozen_at.unwrap_or(now))?;
    inputs.fill(db, &evaluations).await?;
    Ok(inputs)
}

/// Of a ranking those that its entries have, in the order of the phase as it is now.
fn names<'a>(entries: impl Iterator<Item = &'a Value>, order: &[String]) -> Vec<String> {
    let ranked: BTreeSet<&String> = entries
        .filter_map(Value::as_object)
        .flat_map(|values| values.keys())
        .collect();
    let kept = order.iter().filter(|name| ranked.contains(name));
    let gone = ranked.iter().copied().filter(|name| !order.contains(name));
    kept.chain(gone).cloned().collect()
}

fn means(values: &Value) -> BTreeMap<String, f64> {
    let values = values.as_object().into_iter().flatten();
    values
        .filter_map(|(name, value)| Some((name.clone(), value.as_f64()?)))
        .collect()
}

/// Of each team the versions in which its rank changed.
async fn history(
    db: &PgPool,
    due: &Due,
    teams: &[Uuid],
) -> sqlx::Result<BTreeMap<Uuid, Vec<Change>>> {
    let rows = sqlx::query!(
        r#"SELECT team_id AS "team_id!", created_at, final_rank
           FROM (SELECT t.team_id, r.version, r.created_at, e.final_rank,
                        lag(e.final_rank) OVER (PARTITION BY t.team_id ORDER BY r.version) AS before
                 FROM unnest($3::uuid[]) AS t (team_id)
                 CROSS JOIN leaderboard.rankings r
                 LEFT JOIN leaderboard.entries e ON e.ranking_id = r.id AND e.team_id = t.team_id
                 WHERE r.phase_id = $1 AND r.version <= $2) one
           WHERE final_rank IS DISTINCT FROM before
           ORDER BY version"#,
        due.phase_id.0,
        due.version,
        teams,
    )
    .fetch_all(db)
    .await?;
    let mut changes: BTreeMap<Uuid, Vec<Change>> = BTreeMap::new();
    for row in rows {
        changes.entry(row.team_id).or_default().push(Change {
            at: row.created_at,
            value: row.final_rank.map(f64::from),
        });
    }
    Ok(changes)
}

impl Inputs {
    pub fn empty(
        teams: Vec<Team>,
        names: Vec<String>,
        until: DateTime<Utc>,
    ) -> Result<Self, Error> {
        let values = |name: String| {
            Ok::<_, Error>(Values {
                metric: name.parse()?,
                name,
                rows: vec![Vec::new(); teams.len()],
                is_whole: true,
            })
        };
        Ok(Self {
            metrics: names.into_iter().map(values).collect::<Result<_, _>>()?,
            cases: 0,
            until,
            teams,
        })
    }

    /// In the order of the cases' names, by which they are drawn anew.
    async fn fill(&mut self, db: &PgPool, evaluations: &[Uuid]) -> Result<(), Error> {
        let places: BTreeMap<Uuid, usize> = evaluations.iter().copied().zip(0..).collect();
        let mut rows = sqlx::query!(
            r#"SELECT evaluation_id AS "evaluation_id!", case_id AS "case_id!", values AS "values!"
               FROM scoring.scored_cases WHERE evaluation_id = ANY($1) ORDER BY case_name, case_id"#,
            evaluations,
        )
        .fetch(db);
        let (mut last, mut of_case) = (None, BTreeMap::new());
        while let Some(row) = rows.try_next().await? {
            if last
                .replace(row.case_id)
                .is_some_and(|last| last != row.case_id)
            {
                self.add(&std::mem::take(&mut of_case));
            }
            if let Some(&team) = places.get(&row.evaluation_id) {
                of_case.insert(team, row.values);
            }
        }
        if last.is_some() {
            self.add(&of_case);
        }
        Ok(())
    }

    /// One more case, with what each team has in it.
    pub fn add(&mut self, of_case: &BTreeMap<usize, Value>) {
        self.cases += 1;
        for metric in &mut self.metrics {
            for (team, row) in metric.rows.iter_mut().enumerate() {
                let value = of_case
                    .get(&team)
                    .and_then(|values| values.get(&metric.name));
                let is_of_no_label = value == Some(&Value::Null) && is_of_group(&metric.name);
                let value = value.and_then(Value::as_f64);
                metric.is_whole &= value.is_some() || is_of_no_label;
                row.push(value);
            }
        }
    }
}

impl Values {
    /// Whether some team has a value in some case.
    pub fn is_measured(&self) -> bool {
        self.rows.iter().flatten().any(Option::is_some)
    }

    /// Whether teams can be compared by it over whichever cases are drawn.
    pub fn counts(&self) -> bool {
        let has_some = |row: &Vec<Option<f64>>| row.iter().any(Option::is_some);
        self.is_whole && self.rows.iter().all(has_some)
    }
}

#[cfg(test)]
mod tests {
    use molar_testkit::noon;
    use serde_json::json;

    use super::*;

    fn team(rank: i32) -> Team {
        Team {
            name: Some(format!("team {rank}")),
            rank,
            mean_rank: None,
            means: BTreeMap::new(),
            ranks: Vec::new(),
        }
    }

    #[test]
    fn a_metric_counts_where_every_team_has_it_in_every_case() {
        let names = ["IA", "image_DSC", "instance_DSC/upper", "running_time_s"];
        let names = names.map(str::to_owned).to_vec();
        let mut inputs = Inputs::empty(vec![team(1), team(2)], names, noon()).unwrap();
        let whole = json!({"IA": 0.5, "image_DSC": f64::NAN, "instance_DSC/upper": null, "running_time_s": 3.0});
        inputs.add(&BTreeMap::from([(0, whole.clone()), (1, whole)]));
        let other = json!({"IA": 0.75, "image_DSC": 0.5, "instance_DSC/upper": 0.25});
        inputs.add(&BTreeMap::from([(0, other.clone()), (1, other)]));
        let counts: Vec<bool> = inputs.metrics.iter().map(Values::counts).collect();
        assert_eq!(counts, [true, false, true, false]);
        assert!(inputs.metrics.iter().all(Values::is_measured));
        assert_eq!(inputs.metrics[0].rows[1], [Some(0.5), Some(0.75)]);

        inputs.add(&BTreeMap::from([(0, json!({"IA": 1.0}))]));
        assert!(!inputs.metrics[0].counts(), "one team lacks a case");
        assert_eq!(inputs.metrics[0].rows[1], [Some(0.5), Some(0.75), None]);
    }
}
