//! The view `submission.life`: what all roles' rows say of a submission.

use chrono::{DateTime, Utc};
use molar_domain::spelling::UnknownWord;
use molar_domain::submission::{Facts, SubmissionState};
use molar_web_kit::ApiError;
use serde_json::Value;
use sqlx::PgExecutor;
use uuid::Uuid;

#[derive(Debug, Clone)]
pub struct Life {
    pub submission_id: Uuid,
    pub phase_id: Uuid,
    pub team_id: Uuid,
    pub kind: String,
    pub is_trial: bool,
    pub note: String,
    pub code_url: Option<String>,
    pub created_at: DateTime<Utc>,
    pub cancelled_at: Option<DateTime<Utc>>,
    pub withdrawn_at: Option<DateTime<Utc>>,
    pub is_chosen: bool,
    pub upload_state: String,
    pub size_bytes: i64,
    pub sha256: Option<String>,
    pub completed_at: Option<DateTime<Utc>>,
    pub decided_at: Option<DateTime<Utc>>,
    pub upload_failure: Option<String>,
    pub upload_failure_detail: Option<Value>,
    pub image_digest: Option<String>,
    pub upload_notes: Value,
    pub attempt_id: Option<Uuid>,
    pub attempt_number: Option<i32>,
    pub attempt_state: Option<String>,
    pub attempt_failure: Option<String>,
    pub attempt_failure_detail: Option<String>,
    pub attempt_created_at: Option<DateTime<Utc>>,
    pub attempt_started_at: Option<DateTime<Utc>>,
    pub attempt_finished_at: Option<DateTime<Utc>>,
    pub canary_passed_at: Option<DateTime<Utc>>,
    pub runs: i64,
    pub final_runs: i64,
    pub evaluation_id: Option<Uuid>,
    pub evaluation_state: Option<String>,
    pub evaluation_created_at: Option<DateTime<Utc>>,
    pub evaluation_finished_at: Option<DateTime<Utc>>,
    pub cases: i64,
    pub scored_cases: i64,
    pub worst_cases: i64,
    pub quota: Option<String>,
    /// Which attempt the evaluation measured: while a container is run again, an earlier one.
    pub evaluation_attempt_id: Option<Uuid>,
    /// The last attempt is an organizer's.
    pub is_rerun: bool,
    pub rerun_reason: Option<String>,
}

impl Life {
    pub fn facts(&self) -> Result<Facts, UnknownWord> {
        fn word<T: std::str::FromStr>(text: Option<&String>) -> Result<Option<T>, T::Err> {
            text.map(|text| text.parse()).transpose()
        }
        Ok(Facts {
            kind: self.kind.parse()?,
            is_trial: self.is_trial,
            is_cancelled: self.cancelled_at.is_some(),
            upload: self.upload_state.parse()?,
            attempt: word(self.attempt_state.as_ref())?,
            attempt_failure: word(self.attempt_failure.as_ref())?,
            evaluation: word(self.evaluation_state.as_ref())?,
        })
    }

    /// The attempt whose cases are shown, and the evaluation of it. What counts is shown as a whole, also where a
    /// later run came to nothing.
    pub fn shown(&self) -> (Option<Uuid>, Option<Uuid>) {
        let is_alive = matches!(self.attempt_state.as_deref(), Some("queued" | "running"));
        let counts = self.evaluation_state.as_deref() == Some("finished") && !is_alive;
        if counts || self.evaluation_attempt_id == self.attempt_id {
            (self.evaluation_attempt_id, self.evaluation_id)
        } else {
            (self.attempt_id, None)
        }
    }

    pub fn state(&self) -> Result<SubmissionState, ApiError> {
        let facts = self.facts().map_err(ApiError::internal)?;
        Ok(SubmissionState::of(&facts))
    }
}

pub async fn find(db: impl PgExecutor<'_>, id: Uuid) -> sqlx::Result<Option<Life>> {
    Ok(list(db, &[id]).await?.pop())
}

/// In the order of their creation.
pub async fn list(db: impl PgExecutor<'_>, ids: &[Uuid]) -> sqlx::Result<Vec<Life>> {
    sqlx::query_as!(
        Life,
        r#"
        SELECT submission_id AS "submission_id!", phase_id AS "phase_id!", team_id AS "team_id!",
               kind AS "kind!",
               (SELECT t.is_trial FROM submission.submissions t WHERE t.id = submission_id) AS "is_trial!", note AS "note!", code_url, created_at AS "created_at!", cancelled_at,
               withdrawn_at, is_chosen AS "is_chosen!", upload_state AS "upload_state!",
               size_bytes AS "size_bytes!", sha256, completed_at, decided_at, upload_failure,
               upload_failure_detail, image_digest, upload_notes AS "upload_notes!", attempt_id,
               attempt_number, attempt_state, attempt_failure, attempt_failure_detail, attempt_created_at,
               attempt_started_at, attempt_finished_at, canary_passed_at, runs AS "runs!",
               final_runs AS "final_runs!", evaluation_id, evaluation_state, evaluation_created_at,
               evaluation_finished_at, cases AS "cases!", scored_cases AS "scored_cases!",
               worst_cases AS "worst_cases!", quota, evaluation_attempt_id, is_rerun AS "is_rerun!", rerun_reason
        FROM submission.life WHERE submission_id = ANY($1) ORDER BY submission_id
        "#,
        ids,
    )
    .fetch_all(db)
    .await
}

/// Submissions of a team in a phase whose end the rows do not tell at first sight. Trials count elsewhere.
pub async fn perhaps_in_work(
    db: impl PgExecutor<'_>,
    phase: Uuid,
    team: Uuid,
) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar!(
        "SELECT s.id FROM submission.submissions s JOIN submission.uploads u ON u.submission_id = s.id
         WHERE s.phase_id = $1 AND s.team_id = $2 AND s.cancelled_at IS NULL
           AND NOT s.is_trial AND u.state NOT IN ('refused', 'cancelled', 'expired')",
        phase,
        team,
    )
    .fetch_all(db)
    .await
}

/// The name under which a team takes part.
pub async fn team_names(
    db: impl PgExecutor<'_>,
    ids: &[Uuid],
) -> sqlx::Result<std::collections::HashMap<Uuid, String>> {
    let rows = sqlx::query!(
        r#"SELECT DISTINCT team_id AS "team_id!", team_name AS "team_name!"
           FROM registration.participants WHERE team_id = ANY($1)"#,
        ids,
    )
    .fetch_all(db)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.team_id, row.team_name))
        .collect())
}
