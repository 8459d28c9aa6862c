//! What a re-scoring says of itself, and the cases of two evaluations side by side.

use std::collections::BTreeMap;

use molar_domain::{PhaseId, RescoringId};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

pub struct Rescoring {
    pub phase_id: PhaseId,
    pub state: String,
    pub parameters: Value,
    /// Evaluations that have not finished.
    pub running: i64,
}

pub async fn find(tx: &mut PgConnection, id: RescoringId) -> sqlx::Result<Option<Rescoring>> {
    sqlx::query_as!(
        Rescoring,
        r#"SELECT r.phase_id AS "phase_id!", r.state AS "state!", r.parameters AS "parameters!",
                  (SELECT count(*) FROM scoring.rescored e
                   WHERE e.rescoring_id = r.rescoring_id AND e.state <> 'finished') AS "running!"
           FROM scoring.rescoring_facts r WHERE r.rescoring_id = $1"#,
        id.0,
    )
    .fetch_optional(tx)
    .await
}

pub async fn team_names(
    tx: &mut PgConnection,
    track: Uuid,
) -> sqlx::Result<BTreeMap<Uuid, String>> {
    let rows = sqlx::query!(
        r#"SELECT team_id AS "id!", team_name AS "name!" FROM registration.participants WHERE track_id = $1"#,
        track,
    )
    .fetch_all(tx)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.name)).collect())
}

/// A case that has other values in the second of two evaluations.
pub struct Pair {
    pub after_id: Uuid,
    pub case: String,
    pub before: Value,
    pub after: Value,
}

/// Of the evaluations in `before`, each with the one at its place in `after`.
pub async fn changed_cases(
    tx: &mut PgConnection,
    before: &[Uuid],
    after: &[Uuid],
) -> sqlx::Result<Vec<Pair>> {
    sqlx::query_as!(
        Pair,
        r#"SELECT a.evaluation_id AS "after_id!", a.case_name AS "case!", b.values AS "before!", a.values AS "after!"
           FROM unnest($1::uuid[], $2::uuid[]) pair (before_id, after_id)
           JOIN scoring.scored_cases a ON a.evaluation_id = pair.after_id
           JOIN scoring.scored_cases b ON b.evaluation_id = pair.before_id AND b.case_id = a.case_id
           WHERE a.values <> b.values
           ORDER BY a.case_name"#,
        before,
        after,
    )
    .fetch_all(tx)
    .await
}
