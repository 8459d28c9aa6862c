//! `submission.uploads`: every change of state carries its precondition, see
//! [`molar_domain::upload::UploadState`].

use chrono::{DateTime, Utc};
use molar_domain::FailureCode;
use serde_json::Value;
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use crate::checks::{Image, Lookup};

/// For so long a file may be under way.
pub const OPEN_HOURS: i32 = 24;

#[derive(Debug, Clone)]
pub struct Upload {
    pub submission_id: Uuid,
    pub state: String,
    pub object_key: String,
    pub multipart_id: String,
    pub part_size_bytes: i64,
    pub size_bytes: i64,
    /// Hex, once somebody declared it or the check found it.
    pub sha256: Option<String>,
    pub open_until: DateTime<Utc>,
}

pub struct New<'a> {
    pub submission_id: Uuid,
    pub object_key: &'a str,
    pub multipart_id: &'a str,
    pub part_size_bytes: i64,
    pub size_bytes: i64,
    pub sha256: Option<&'a str>,
    pub resume_key: Option<&'a str>,
    pub open_until: DateTime<Utc>,
    pub now: DateTime<Utc>,
}

pub async fn insert(db: impl PgExecutor<'_>, new: &New<'_>) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO submission.uploads (submission_id, state, object_key, multipart_id, part_size_bytes,
                                         size_bytes, sha256, open_until, not_before, resume_key)
         VALUES ($1, 'open', $2, $3, $4, $5, $6, $7, $8, $9)",
        new.submission_id,
        new.object_key,
        new.multipart_id,
        new.part_size_bytes,
        new.size_bytes,
        new.sha256,
        new.open_until,
        new.now,
        new.resume_key,
    )
    .execute(db)
    .await?;
    Ok(())
}

pub async fn find(db: impl PgExecutor<'_>, submission: Uuid) -> sqlx::Result<Upload> {
    sqlx::query_as!(
        Upload,
        "SELECT submission_id, state, object_key, multipart_id, part_size_bytes, size_bytes, sha256, open_until
         FROM submission.uploads WHERE submission_id = $1",
        submission,
    )
    .fetch_one(db)
    .await
}

/// An upload that was begun and not completed.
pub struct Unfinished {
    pub submission_id: Uuid,
    pub phase_id: Uuid,
    pub team_id: Uuid,
    pub size_bytes: i64,
    pub is_trial: bool,
    pub resume_key: Option<String>,
    pub created_at: DateTime<Utc>,
    pub open_until: DateTime<Utc>,
}

/// Those of the teams that can still be gone on with, newest first.
pub async fn unfinished(
    db: impl PgExecutor<'_>,
    teams: &[Uuid],
    phase: Option<Uuid>,
    resume_key: Option<&str>,
    now: DateTime<Utc>,
) -> sqlx::Result<Vec<Unfinished>> {
    sqlx::query_as!(
        Unfinished,
        "SELECT u.submission_id, s.phase_id, s.team_id, u.size_bytes, s.is_trial, u.resume_key, s.created_at,
                u.open_until
         FROM submission.uploads u JOIN submission.submissions s ON s.id = u.submission_id
         WHERE u.state = 'open' AND u.open_until > $4 AND s.team_id = ANY($1)
           AND ($2::uuid IS NULL OR s.phase_id = $2) AND ($3::text IS NULL OR u.resume_key = $3)
         ORDER BY s.id DESC LIMIT 100",
        teams,
        phase,
        resume_key,
        now,
    )
    .fetch_all(db)
    .await
}

/// From here on nobody else changes the upload, to the end of the transaction.
pub async fn lock(conn: &mut PgConnection, submission: Uuid) -> sqlx::Result<Upload> {
    sqlx::query_as!(
        Upload,
        "SELECT submission_id, state, object_key, multipart_id, part_size_bytes, size_bytes, sha256, open_until
         FROM submission.uploads WHERE submission_id = $1 FOR UPDATE",
        submission,
    )
    .fetch_one(conn)
    .await
}

/// With the hash of the whole file, if its sender told it.
pub async fn complete(
    db: impl PgExecutor<'_>,
    submission: Uuid,
    sha256: Option<&str>,
    now: DateTime<Utc>,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "UPDATE submission.uploads SET state = 'completed', completed_at = $2, not_before = $2,
                                       sha256 = COALESCE(sha256, $3)
         WHERE submission_id = $1 AND state = 'open' AND open_until > $2",
        submission,
        now,
        sha256,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Takes the file out of any work that is not decided yet.
pub async fn cancel(
    db: impl PgExecutor<'_>,
    submission: Uuid,
    now: DateTime<Utc>,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "UPDATE submission.uploads
         SET state = 'cancelled', decided_at = $2, lease_token = NULL, lease_expires_at = NULL
         WHERE submission_id = $1 AND state IN ('open', 'completed', 'checking')",
        submission,
        now,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Ends up to `limit` uploads whose time has passed.
/// Uploads under way end with their phase, whose end may have moved.
pub async fn follow_phases(conn: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE submission.uploads u SET open_until = n.at
         FROM submission.submissions s
         JOIN tracks.phase_facts p ON p.phase_id = s.phase_id,
              LATERAL (SELECT least(s.created_at + make_interval(hours => $1),
                                    p.closes_at + p.upload_grace_s * interval '1 second') AS at) n
         WHERE s.id = u.submission_id AND u.state = 'open' AND u.open_until <> n.at",
        OPEN_HOURS,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn expire(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    limit: i64,
) -> sqlx::Result<Vec<Upload>> {
    sqlx::query_as!(
        Upload,
        "UPDATE submission.uploads SET state = 'expired', decided_at = $1
         WHERE submission_id IN (
             SELECT submission_id FROM submission.uploads
             WHERE state = 'open' AND open_until <= $1
             ORDER BY open_until LIMIT $2 FOR UPDATE SKIP LOCKED)
         RETURNING submission_id, state, object_key, multipart_id, part_size_bytes, size_bytes, sha256, open_until",
        now,
        limit,
    )
    .fetch_all(conn)
    .await
}

/// Its bytes are looked for once more.
pub async fn drop_again(db: impl PgExecutor<'_>, id: Uuid) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE submission.uploads SET dropped_at = NULL WHERE submission_id = $1",
        id
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Expired and cancelled ones, after one, whose bytes may still be in the store.
pub async fn undropped(
    db: impl PgExecutor<'_>,
    after: Uuid,
    limit: i64,
) -> sqlx::Result<Vec<Upload>> {
    sqlx::query_as!(
        Upload,
        "SELECT submission_id, state, object_key, multipart_id, part_size_bytes, size_bytes, sha256, open_until
         FROM submission.uploads WHERE state IN ('expired', 'cancelled') AND dropped_at IS NULL
           AND submission_id > $1
         ORDER BY submission_id LIMIT $2",
        after,
        limit,
    )
    .fetch_all(db)
    .await
}

pub async fn note_dropped(
    db: impl PgExecutor<'_>,
    submission: Uuid,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE submission.uploads SET dropped_at = $2 WHERE submission_id = $1",
        submission,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// A claimed row: the proof, and what the check needs to know.
pub struct Claimed {
    pub lease_token: Uuid,
    pub attempts: i32,
    pub lookup: Lookup,
}

/// Takes up to `limit` uploads that wait for their check, or whose checker went silent.
///
/// Safe to call from any number of processes at once: `SKIP LOCKED` keeps them from queueing up behind
/// each other and the token keeps a late checker from writing over its successor.
pub async fn claim(
    db: impl PgExecutor<'_>,
    limit: i64,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
) -> sqlx::Result<Vec<Claimed>> {
    let rows = sqlx::query!(
        r#"
        WITH claimable AS (
            SELECT submission_id FROM submission.uploads
            WHERE (state = 'completed' AND not_before <= $1)
               OR (state = 'checking' AND lease_expires_at <= $1)
            ORDER BY not_before, submission_id
            LIMIT $2
            FOR UPDATE SKIP LOCKED
        )
        UPDATE submission.uploads u
        SET state = 'checking', lease_token = gen_random_uuid(), lease_expires_at = $3, attempts = attempts + 1
        FROM claimable c JOIN submission.submissions s ON s.id = c.submission_id
        WHERE u.submission_id = c.submission_id
        RETURNING u.submission_id, u.lease_token AS "lease_token!", u.attempts, u.object_key,
                  u.size_bytes, u.sha256, s.phase_id
        "#,
        now,
        limit,
        until,
    )
    .fetch_all(db)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Claimed {
            lease_token: row.lease_token,
            attempts: row.attempts,
            lookup: Lookup {
                submission_id: row.submission_id,
                phase_id: row.phase_id,
                object_key: row.object_key,
                size_bytes: row.size_bytes.unsigned_abs(),
                sha256: row.sha256,
            },
        })
        .collect())
}

/// Writes down what the check found where nobody had declared it.
pub async fn note_sha256(
    db: impl PgExecutor<'_>,
    submission: Uuid,
    object_key: &str,
    sha256: &str,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE submission.uploads SET sha256 = $3
         WHERE submission_id = $1 AND object_key = $2 AND sha256 IS NULL",
        submission,
        object_key,
        sha256,
    )
    .execute(db)
    .await?;
    Ok(())
}

pub async fn extend(
    db: impl PgExecutor<'_>,
    submission: Uuid,
    token: Uuid,
    until: DateTime<Utc>,
) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "UPDATE submission.uploads SET lease_expires_at = $3
         WHERE submission_id = $1 AND lease_token = $2 AND state = 'checking'",
        submission,
        token,
        until,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}

pub async fn accept(
    db: impl PgExecutor<'_>,
    (submission, token): (Uuid, Uuid),
    image: Option<&Image>,
    notes: &Value,
    now: DateTime<Utc>,
) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "UPDATE submission.uploads
         SET state = 'accepted', decided_at = $3, image_digest = $4, image_size_bytes = $5, notes = $6,
             image_report = $7, lease_token = NULL, lease_expires_at = NULL
         WHERE submission_id = $1 AND lease_token = $2 AND state = 'checking'",
        submission,
        token,
        now,
        image.map(|image| image.digest.as_str()),
        image.and_then(|image| i64::try_from(image.size_bytes).ok()),
        notes,
        image.map(|image| serde_json::json!(image.report)),
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}

pub struct Refusal {
    pub code: FailureCode,
    pub complaints: Value,
    pub notes: Value,
    /// Of an image.
    pub report: Option<Value>,
}

pub async fn refuse(
    db: impl PgExecutor<'_>,
    (submission, token): (Uuid, Uuid),
    refusal: &Refusal,
    now: DateTime<Utc>,
) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "UPDATE submission.uploads
         SET state = 'refused', decided_at = $3, failure = $4, failure_detail = $5, notes = $6,
             image_report = $7, lease_token = NULL, lease_expires_at = NULL
         WHERE submission_id = $1 AND lease_token = $2 AND state = 'checking'",
        submission,
        token,
        now,
        refusal.code.as_str(),
        refusal.complaints,
        refusal.notes,
        refusal.report,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}

/// Frees the row for another check. `charged` says whether this one counts.
pub async fn free(
    db: impl PgExecutor<'_>,
    (submission, token): (Uuid, Uuid),
    not_before: DateTime<Utc>,
    charged: bool,
) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "UPDATE submission.uploads
         SET state = 'completed', not_before = $3, lease_token = NULL, lease_expires_at = NULL,
             attempts = attempts - CASE WHEN $4 THEN 0 ELSE 1 END
         WHERE submission_id = $1 AND lease_token = $2 AND state = 'checking'",
        submission,
        token,
        not_before,
        charged,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}
