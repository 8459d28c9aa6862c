//! Logs of case runs: where they lie, who may read them, and the pieces of those that grow.

use chrono::{DateTime, Utc};
use molar_domain::case_run::CaseRunState;
use molar_domain::{CaseRunId, ChallengeId, TeamId, UserId, WorkerId};
use sqlx::PgExecutor;
use uuid::Uuid;

use crate::Result;

#[derive(Debug, Clone)]
pub struct Log {
    pub case_run: Uuid,
    pub team: TeamId,
    pub challenge: ChallengeId,
    pub submission: Uuid,
    pub case_name: String,
    /// Of a canary on a public case: its team may read along.
    pub is_public: bool,
    /// By an organizer, with the reason.
    pub release_reason: Option<String>,
    pub state: CaseRunState,
    /// Of the object, once the run has ended.
    pub key: Option<String>,
    /// Of the run whose pieces count.
    pub token: Option<Uuid>,
}

pub async fn find(db: impl PgExecutor<'_>, id: Uuid) -> Result<Option<Log>> {
    let row = sqlx::query!(
        r#"SELECT r.id, r.log_key, r.lease_token, r.state, a.team_id, a.submission_id,
                  p.challenge_id AS "challenge_id!", c.name AS "case_name!",
                  l.is_public AS "is_public!", l.release_reason
           FROM execution.case_runs r
           JOIN execution.attempts a ON a.id = r.attempt_id
           JOIN execution.logs l ON l.case_run_id = r.id
           JOIN tracks.phase_facts p ON p.phase_id = a.phase_id
           JOIN tracks.stored_cases c ON c.case_id = r.case_id
           WHERE r.id = $1"#,
        id,
    )
    .fetch_optional(db)
    .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Log {
        case_run: row.id,
        team: row.team_id.into(),
        challenge: row.challenge_id.into(),
        submission: row.submission_id,
        case_name: row.case_name,
        is_public: row.is_public,
        release_reason: row.release_reason,
        state: row.state.parse()?,
        key: row.log_key,
        token: row.lease_token,
    }))
}

/// What there is of a growing log from a position on.
pub async fn pieces(
    db: impl PgExecutor<'_>,
    id: Uuid,
    token: Uuid,
    from: usize,
) -> Result<Vec<u8>> {
    let from = i32::try_from(from).unwrap_or(i32::MAX);
    let rows = sqlx::query!(
        "SELECT position, content FROM execution.log_pieces
         WHERE case_run_id = $1 AND lease_token = $2 AND position + length(content) > $3 ORDER BY position",
        id,
        token,
        from,
    )
    .fetch_all(db)
    .await?;
    let mut text = Vec::new();
    for row in rows {
        let skip = usize::try_from(from - row.position).unwrap_or(0);
        text.extend_from_slice(row.content.get(skip..).unwrap_or_default());
    }
    Ok(text)
}

/// Adds a piece at the end, as long as the lease is the worker's, and returns whether it did. One that is there
/// already, or does not follow the last, changes nothing.
///
/// The lock makes an end of the run wait, or us for it: no piece comes after `forget_pieces`.
pub async fn append(
    db: impl PgExecutor<'_>,
    id: CaseRunId,
    (worker, token): (WorkerId, Uuid),
    position: i32,
    content: &[u8],
) -> Result<bool> {
    let done = sqlx::query!(
        "INSERT INTO execution.log_pieces (case_run_id, lease_token, position, content)
         SELECT r.id, r.lease_token, $4, $5 FROM execution.case_runs r
         WHERE r.id = $1 AND r.state = 'running' AND r.worker_id = $2 AND r.lease_token = $3 AND $4 = (
             SELECT COALESCE(max(p.position + length(p.content)), 0) FROM execution.log_pieces p
             WHERE p.case_run_id = $1 AND p.lease_token = $3)
         FOR SHARE OF r
         ON CONFLICT DO NOTHING",
        id.0,
        worker.0,
        token,
        position,
        content,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Once the whole is kept as an object.
pub async fn forget_pieces(db: impl PgExecutor<'_>, id: CaseRunId) -> Result<()> {
    sqlx::query!(
        "DELETE FROM execution.log_pieces WHERE case_run_id = $1",
        id.0
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Returns whether it was not released before.
pub async fn release(
    db: impl PgExecutor<'_>,
    id: Uuid,
    by: UserId,
    reason: &str,
    now: DateTime<Utc>,
) -> Result<bool> {
    let done = sqlx::query!(
        "INSERT INTO execution.log_releases (case_run_id, released_by, reason, released_at)
         VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
        id,
        by.0,
        reason,
        now,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}
