//! What a team had in each version of a ranking.

use chrono::{DateTime, Utc};
use molar_domain::PhaseId;
use serde_json::Value;
use sqlx::PgExecutor;
use uuid::Uuid;

/// A version in which something became another for the team.
#[derive(Debug, Clone)]
pub struct Row {
    pub version: i32,
    pub made_at: DateTime<Utc>,
    pub is_there: bool,
    pub final_rank: Option<i32>,
    pub value: Option<Value>,
}

/// Up to a version, from the first that has the team on.
pub async fn changes(
    db: impl PgExecutor<'_>,
    phase: PhaseId,
    version: i32,
    team: Uuid,
    metric: &str,
) -> sqlx::Result<Vec<Row>> {
    sqlx::query_as!(
        Row,
        r#"SELECT version AS "version!", made_at AS "made_at!", is_there AS "is_there!", final_rank AS "final_rank?",
                  value AS "value?"
           FROM (SELECT r.version, r.created_at AS made_at, e.team_id IS NOT NULL AS is_there, e.final_rank,
                        e.values -> $4::text AS value,
                        lag(e.team_id IS NOT NULL, 1, false) OVER versions AS was_there,
                        lag(e.final_rank) OVER versions AS rank_before,
                        lag(e.values -> $4::text) OVER versions AS value_before
                 FROM leaderboard.rankings r
                 LEFT JOIN leaderboard.entries e ON e.ranking_id = r.id AND e.team_id = $3
                 WHERE r.phase_id = $1 AND r.version <= $2
                 WINDOW versions AS (ORDER BY r.version)) one
           WHERE is_there <> was_there OR final_rank IS DISTINCT FROM rank_before
              OR value IS DISTINCT FROM value_before
           ORDER BY version"#,
        phase.0,
        version,
        team,
        metric,
    )
    .fetch_all(db)
    .await
}
