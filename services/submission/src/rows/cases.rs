//! What became of each case of a submission.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgExecutor;
use uuid::Uuid;

#[derive(Debug, Clone)]
pub struct CaseRow {
    pub case_id: Uuid,
    pub name: String,
    pub run_state: Option<String>,
    pub failure: Option<String>,
    pub failure_detail: Option<String>,
    pub wall_ms: Option<i64>,
    pub values: Option<Value>,
    pub reason: Option<String>,
    pub reason_detail: Option<String>,
    pub notes: Option<Value>,
    pub scored_at: Option<DateTime<Utc>>,
    /// The run that has left a log, or writes one that can be read along.
    pub log_of: Option<Uuid>,
    /// Why the organizers showed the log of a hidden case to its team.
    pub release_reason: Option<String>,
}

/// Every case of the split, in the order of the names, with what the attempt and the evaluation say.
pub async fn list(
    db: impl PgExecutor<'_>,
    split: Uuid,
    attempt: Option<Uuid>,
    evaluation: Option<Uuid>,
) -> sqlx::Result<Vec<CaseRow>> {
    sqlx::query_as!(
        CaseRow,
        r#"
        SELECT c.case_id AS "case_id!", c.name AS "name!", r.state AS "run_state?", r.failure AS "failure?",
               r.failure_detail AS "failure_detail?", r.wall_ms AS "wall_ms?", s.values AS "values?",
               s.reason AS "reason?", s.reason_detail AS "reason_detail?", s.notes AS "notes?",
               s.scored_at AS "scored_at?",
               CASE WHEN l.is_kept THEN l.case_run_id END AS "log_of?", l.release_reason AS "release_reason?"
        FROM tracks.stored_cases c
        LEFT JOIN execution.case_run_facts r
               ON r.case_id = c.case_id AND r.attempt_id = $2 AND r.kind = 'case'
        LEFT JOIN execution.logs l ON l.case_run_id = r.case_run_id
        LEFT JOIN scoring.scored_cases s ON s.case_id = c.case_id AND s.evaluation_id = $3
        WHERE c.split_id = $1
        ORDER BY c.name
        "#,
        split,
        attempt,
        evaluation,
    )
    .fetch_all(db)
    .await
}

/// The public case on which the image was tried first.
pub async fn canary(
    db: impl PgExecutor<'_>,
    attempt: Option<Uuid>,
) -> sqlx::Result<Option<CaseRow>> {
    sqlx::query_as!(
        CaseRow,
        r#"
        SELECT c.case_id AS "case_id!", c.name AS "name!", r.state AS "run_state?", r.failure AS "failure?",
               r.failure_detail AS "failure_detail?", r.wall_ms AS "wall_ms?", NULL::jsonb AS "values?",
               NULL::text AS "reason?", NULL::text AS "reason_detail?", r.notes AS "notes?",
               NULL::timestamptz AS "scored_at?",
               CASE WHEN l.is_public AND (l.is_kept OR l.is_running) THEN l.case_run_id END AS "log_of?",
               NULL::text AS "release_reason?"
        FROM execution.case_run_facts r
        JOIN execution.logs l ON l.case_run_id = r.case_run_id
        JOIN tracks.stored_cases c ON c.case_id = r.case_id
        WHERE r.attempt_id = $1 AND r.kind = 'canary'
        "#,
        attempt,
    )
    .fetch_optional(db)
    .await
}
