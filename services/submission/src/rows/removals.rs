//! `submission.removals`: what the retention of a phase takes away, and the marks on uploads.

use chrono::{DateTime, Utc};
use molar_domain::retention::Removed;
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

/// Phases whose time is over and which have something left that nobody else needs.
pub async fn due(db: impl PgExecutor<'_>, now: DateTime<Utc>) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar!(
        r#"SELECT d.phase_id AS "id!" FROM registration.removals_due d
           WHERE d.removes_at <= $1 AND NOT d.is_busy
             AND NOT EXISTS (SELECT FROM submission.removals r WHERE r.phase_id = d.phase_id AND r.finished_at IS NULL)
             AND EXISTS (
                 SELECT FROM submission.uploads u JOIN submission.submissions s ON s.id = u.submission_id
                 LEFT JOIN submission.kept_for_finals k ON k.submission_id = s.id
                 WHERE s.phase_id = d.phase_id AND u.state IN ('accepted', 'refused') AND u.removal_id IS NULL
                   AND (k.until IS NULL OR k.until <= $1))
           ORDER BY d.removes_at"#,
        now,
    )
    .fetch_all(db)
    .await
}

/// False where it is not due any more, or somebody was faster.
pub async fn begin(
    db: impl PgExecutor<'_>,
    id: Uuid,
    phase: Uuid,
    now: DateTime<Utc>,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "INSERT INTO submission.removals (id, phase_id, retention_days, begun_at)
         SELECT $1, d.phase_id, d.retention_days, $3 FROM registration.removals_due d
         WHERE d.phase_id = $2 AND d.removes_at <= $3 AND NOT d.is_busy
         ON CONFLICT (phase_id) WHERE finished_at IS NULL DO NOTHING",
        id,
        phase,
        now,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

#[derive(Debug, Clone)]
pub struct Removal {
    pub id: Uuid,
    pub phase_id: Uuid,
    pub retention_days: i32,
    pub begun_at: DateTime<Utc>,
}

pub async fn open(db: impl PgExecutor<'_>) -> sqlx::Result<Vec<Removal>> {
    sqlx::query_as!(
        Removal,
        "SELECT id, phase_id, retention_days, begun_at FROM submission.removals WHERE finished_at IS NULL ORDER BY id"
    )
    .fetch_all(db)
    .await
}

/// Marks what goes with this removal, but what a later phase takes its finalists' from, or what runs. Nothing
/// more once the phase is to be kept for longer.
pub async fn mark(
    db: impl PgExecutor<'_>,
    removal: &Removal,
    now: DateTime<Utc>,
) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "UPDATE submission.uploads u SET removal_id = $1
         FROM submission.submissions s LEFT JOIN submission.kept_for_finals k ON k.submission_id = s.id
         WHERE s.id = u.submission_id AND s.phase_id = $2 AND u.removal_id IS NULL
           AND u.state IN ('accepted', 'refused') AND (k.until IS NULL OR k.until <= $3)
           AND NOT EXISTS (SELECT FROM execution.attempt_facts a
                           WHERE a.submission_id = s.id AND a.state IN ('queued', 'running'))
           AND EXISTS (SELECT FROM registration.removals_due d WHERE d.phase_id = $2 AND d.removes_at <= $3)",
        removal.id,
        removal.phase_id,
        now,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}

pub struct Marked {
    pub submission_id: Uuid,
    pub object_key: String,
}

/// Those whose object is not said to be gone, after one.
pub async fn marked(
    db: impl PgExecutor<'_>,
    removal: Uuid,
    after: Uuid,
    limit: i64,
) -> sqlx::Result<Vec<Marked>> {
    sqlx::query_as!(
        Marked,
        "SELECT submission_id, object_key FROM submission.uploads
         WHERE removal_id = $1 AND removed_at IS NULL AND submission_id > $2 ORDER BY submission_id LIMIT $3",
        removal,
        after,
        limit,
    )
    .fetch_all(db)
    .await
}

/// Notes that these are gone and counts them, each once, whoever else removes them.
pub async fn note_removed(
    conn: &mut PgConnection,
    removal: Uuid,
    submissions: &[Uuid],
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "WITH gone AS (
             UPDATE submission.uploads SET removed_at = $3
             WHERE removal_id = $1 AND submission_id = ANY($2) AND removed_at IS NULL
             RETURNING CASE WHEN archive_removed_at IS NULL THEN size_bytes END AS size_bytes)
         UPDATE submission.removals SET files = files + (SELECT count(size_bytes) FROM gone),
             size_bytes = size_bytes + (SELECT COALESCE(sum(size_bytes), 0)::bigint FROM gone)
         WHERE id = $1",
        removal,
        submissions,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub struct Counted {
    pub files: i64,
    pub size_bytes: i64,
}

/// Ends a removal of which nothing is left to do; none where something is, or another has.
pub async fn finish(
    db: impl PgExecutor<'_>,
    removal: Uuid,
    now: DateTime<Utc>,
) -> sqlx::Result<Option<Counted>> {
    sqlx::query_as!(
        Counted,
        "UPDATE submission.removals r SET finished_at = $2
         WHERE r.id = $1 AND r.finished_at IS NULL
           AND NOT EXISTS (SELECT FROM submission.uploads u WHERE u.removal_id = r.id AND u.removed_at IS NULL)
           AND NOT EXISTS (SELECT FROM submission.doomed_layers d WHERE d.removal_id = r.id)
         RETURNING r.files, r.size_bytes",
        removal,
        now,
    )
    .fetch_optional(db)
    .await
}

/// Where the files of a submission are gone: of its upload, or of its runs.
pub async fn of_submission(
    db: impl PgExecutor<'_>,
    submission: Uuid,
) -> sqlx::Result<Option<Removed>> {
    let row = sqlx::query!(
        r#"SELECT r.removed_at AS "at!", r.retention_days AS "days!" FROM (
               SELECT removed_at, retention_days FROM submission.removed WHERE submission_id = $1
               UNION ALL
               SELECT removed_at, retention_days FROM execution.removed WHERE submission_id = $1
           ) r ORDER BY r.removed_at LIMIT 1"#,
        submission,
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| Removed {
        at: row.at,
        retention_days: row.days,
    }))
}
