//! What the figures of a ranking are drawn from.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use molar_figures::Change;
use serde_json::Value;
use sqlx::PgPool;
use uuid::Uuid;

use super::rows::Due;
use crate::error::Error;
use crate::rows::rankings::{self, Baseline};
use crate::statistics::Document;
use crate::statistics::scored::{self, Scored};
use crate::teeth::{self, Means};

/// Whose ranks are followed through all versions.
const FOLLOWED: usize = 8;
/// Whose labels are read, of which there may be fifty a case.
const OPENED: usize = 30;

/// Whatever is of teams is in the order of [`Scored::teams`].
#[derive(Debug, Clone)]
pub struct Inputs {
    pub teams: Vec<Team>,
    pub scored: Scored,
    /// How sure their ranks are.
    pub statistics: Document,
    /// Until when the ranks of this version stand.
    pub until: DateTime<Utc>,
    /// As they are at the time of drawing.
    pub baselines: Vec<Baseline>,
    /// By evaluation, of the first teams that have a name; none unless each of them has labels that are teeth.
    pub teeth: BTreeMap<Uuid, Means>,
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

/// Of what was ranked, which never changes, under the names that the teams have now.
pub async fn read(
    db: &PgPool,
    due: &Due,
    statistics: Document,
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
           ORDER BY e.final_rank, e.team_id"#,
        due.ranking_id,
    )
    .fetch_all(db)
    .await?;
    let named = || entries.iter().filter(|entry| entry.name.is_some());
    let followed: Vec<Uuid> = named().take(FOLLOWED).map(|entry| entry.team_id).collect();
    let opened = named().take(OPENED).map(|entry| entry.evaluation_id);
    let opened: Vec<Uuid> = opened.collect();
    let mut teeth = teeth::means(db, &opened).await?;
    if teeth.len() < opened.len() {
        teeth.clear();
    }
    let mut ranks = history(db, due, &followed).await?;
    let teams = entries.into_iter().map(|entry| Team {
        name: entry.name,
        rank: entry.rank,
        mean_rank: entry.mean_rank,
        means: means(&entry.values),
        ranks: ranks.remove(&entry.team_id).unwrap_or_default(),
    });
    Ok(Inputs {
        teams: teams.collect(),
        scored: scored::read(db, due.ranking_id, order).await?,
        statistics,
        until: due.frozen_at.unwrap_or(now),
        baselines: rankings::baselines(db, due.phase_id).await?,
        teeth,
    })
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
