//! `execution.attempts`

use chrono::{DateTime, Utc};
use molar_domain::attempt::{AttemptState, Event};
use molar_domain::{AttemptId, FailureCode, PhaseId, SubmissionId};
use sqlx::{PgConnection, PgExecutor};

use super::one;
use crate::Result;

/// An attempt whose row is locked to the end of the transaction.
#[derive(Debug, Clone)]
pub struct Locked {
    pub id: AttemptId,
    pub phase_id: PhaseId,
    pub state: AttemptState,
    pub has_passed_canary: bool,
}

pub async fn lock(tx: &mut PgConnection, id: AttemptId) -> Result<Locked> {
    let row = sqlx::query!(
        r#"SELECT phase_id, state, canary_passed_at IS NOT NULL AS "has_passed_canary!"
           FROM execution.attempts WHERE id = $1 FOR UPDATE"#,
        id.0,
    )
    .fetch_one(tx)
    .await?;
    Ok(Locked {
        id,
        phase_id: row.phase_id.into(),
        state: row.state.parse()?,
        has_passed_canary: row.has_passed_canary,
    })
}

/// Accepted containers that nobody has begun with, of those accepted since. Of the two halves of what is looked at one
/// is always empty, so that either has a plan of its own: for the narrow one, an index.
pub async fn list_missing(
    db: impl PgExecutor<'_>,
    since: Option<DateTime<Utc>>,
) -> Result<Vec<SubmissionId>> {
    let ids = sqlx::query_scalar!(
        r#"WITH looked_at AS (
               SELECT submission_id, kind, cancelled_at FROM submission.accepted WHERE $1::timestamptz IS NULL
               UNION ALL
               SELECT submission_id, kind, cancelled_at FROM submission.accepted WHERE decided_at > $1)
           SELECT s.submission_id AS "id!" FROM looked_at s
           WHERE s.kind = 'container' AND s.cancelled_at IS NULL
             AND NOT EXISTS (SELECT FROM execution.attempts a WHERE a.submission_id = s.submission_id)
           ORDER BY s.submission_id"#,
        since,
    )
    .fetch_all(db)
    .await?;
    Ok(ids.into_iter().map(SubmissionId).collect())
}

/// Attempts that go on although their submission was cancelled, or withdrawn while it was run again.
pub async fn list_cancelled(db: impl PgExecutor<'_>) -> Result<Vec<AttemptId>> {
    let ids = sqlx::query_scalar!(
        "SELECT a.id FROM execution.attempts a
         JOIN submission.accepted s ON s.submission_id = a.submission_id
         WHERE a.state IN ('queued', 'running')
           AND (s.cancelled_at IS NOT NULL OR (a.is_rerun AND s.withdrawn_at IS NOT NULL)) ORDER BY a.id",
    )
    .fetch_all(db)
    .await?;
    Ok(ids.into_iter().map(AttemptId).collect())
}

/// The first claim of any of its case runs starts an attempt.
pub async fn start(tx: &mut PgConnection, attempt: &Locked, now: DateTime<Utc>) -> Result<()> {
    let to = attempt.state.apply(Event::Start)?;
    let done = sqlx::query!(
        "UPDATE execution.attempts SET state = $3, started_at = $4 WHERE id = $1 AND state = $2",
        attempt.id.0,
        attempt.state.as_str(),
        to.as_str(),
        now,
    )
    .execute(tx)
    .await?;
    one(&done)
}

pub async fn pass_canary(
    tx: &mut PgConnection,
    attempt: &Locked,
    now: DateTime<Utc>,
) -> Result<()> {
    let done = sqlx::query!(
        "UPDATE execution.attempts SET canary_passed_at = $3
         WHERE id = $1 AND state = $2 AND canary_passed_at IS NULL",
        attempt.id.0,
        attempt.state.as_str(),
        now,
    )
    .execute(tx)
    .await?;
    one(&done)
}

pub async fn end(
    tx: &mut PgConnection,
    attempt: &Locked,
    event: Event,
    failure: Option<(FailureCode, &str)>,
    now: DateTime<Utc>,
) -> Result<()> {
    let to = attempt.state.apply(event)?;
    let done = sqlx::query!(
        "UPDATE execution.attempts SET state = $3, failure = $4, failure_detail = $5, finished_at = $6
         WHERE id = $1 AND state = $2",
        attempt.id.0,
        attempt.state.as_str(),
        to.as_str(),
        failure.map(|(code, _)| code.as_str()),
        failure.map(|(_, detail)| detail),
        now,
    )
    .execute(tx)
    .await?;
    one(&done)
}
