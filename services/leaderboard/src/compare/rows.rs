//! What two entries have in each case.

use std::collections::BTreeMap;

use molar_domain::PhaseId;
use serde_json::Value;
use sqlx::PgExecutor;
use uuid::Uuid;

/// By team, what its entry of that version was measured as.
pub async fn evaluations(
    db: impl PgExecutor<'_>,
    phase: PhaseId,
    version: i32,
    teams: &[Uuid],
) -> sqlx::Result<BTreeMap<Uuid, Uuid>> {
    let rows = sqlx::query!(
        "SELECT e.team_id, e.evaluation_id
         FROM leaderboard.entries e JOIN leaderboard.rankings r ON r.id = e.ranking_id
         WHERE r.phase_id = $1 AND r.version = $2 AND e.team_id = ANY($3)",
        phase.0,
        version,
        teams,
    )
    .fetch_all(db)
    .await?;
    let rows = rows.into_iter();
    Ok(rows.map(|row| (row.team_id, row.evaluation_id)).collect())
}

#[derive(Debug, Clone)]
pub struct Case {
    pub name: String,
    pub a: Option<Value>,
    pub b: Option<Value>,
}

/// In the order of their names.
pub async fn cases(db: impl PgExecutor<'_>, a: Uuid, b: Uuid) -> sqlx::Result<Vec<Case>> {
    sqlx::query_as!(
        Case,
        r#"SELECT COALESCE(a.case_name, b.case_name) AS "name!", a.values AS "a?", b.values AS "b?"
           FROM (SELECT case_id, case_name, values FROM scoring.scored_cases WHERE evaluation_id = $1) a
           FULL JOIN (SELECT case_id, case_name, values FROM scoring.scored_cases WHERE evaluation_id = $2) b
                  ON b.case_id = a.case_id
           ORDER BY 1"#,
        a,
        b,
    )
    .fetch_all(db)
    .await
}
