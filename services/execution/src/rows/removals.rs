//! `execution.removals`: what the retention of a phase takes away of its runs, and the marks on attempts.

use chrono::{DateTime, Utc};
use molar_domain::retention::Removed;
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

/// Phases whose time is over and which have something left that nobody else needs.
pub async fn due(db: impl PgExecutor<'_>, now: DateTime<Utc>) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar!(
        r#"SELECT d.phase_id AS "id!" FROM registration.removals_due d
           WHERE d.removes_at <= $1 AND NOT d.is_busy
             AND NOT EXISTS (SELECT FROM execution.removals r WHERE r.phase_id = d.phase_id AND r.finished_at IS NULL)
             AND EXISTS (
                 SELECT FROM execution.attempts a
                 LEFT JOIN submission.kept_for_finals k ON k.submission_id = a.submission_id
                 WHERE a.phase_id = d.phase_id AND a.finished_at IS NOT NULL AND a.removal_id IS NULL
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
        "INSERT INTO execution.removals (id, phase_id, retention_days, begun_at)
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
        "SELECT id, phase_id, retention_days, begun_at FROM execution.removals WHERE finished_at IS NULL ORDER BY id"
    )
    .fetch_all(db)
    .await
}

/// Marks the attempts whose files go with this removal, but those of finalists of a later phase that is not over. Nothing
/// more once the phase is to be kept for longer.
pub async fn mark(
    db: impl PgExecutor<'_>,
    removal: &Removal,
    now: DateTime<Utc>,
) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "UPDATE execution.attempts SET removal_id = $1 WHERE id IN (
             SELECT a.id FROM execution.attempts a
             LEFT JOIN submission.kept_for_finals k ON k.submission_id = a.submission_id
             WHERE a.phase_id = $2 AND a.finished_at IS NOT NULL AND a.removal_id IS NULL
               AND (k.until IS NULL OR k.until <= $3))
             AND EXISTS (SELECT FROM registration.removals_due d WHERE d.phase_id = $2 AND d.removes_at <= $3)",
        removal.id,
        removal.phase_id,
        now,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}

/// Those whose objects are not said to be gone, after one.
pub async fn marked(
    db: impl PgExecutor<'_>,
    removal: Uuid,
    after: Uuid,
    limit: i64,
) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar!(
        "SELECT id FROM execution.attempts
         WHERE removal_id = $1 AND removed_at IS NULL AND id > $2 ORDER BY id LIMIT $3",
        removal,
        after,
        limit,
    )
    .fetch_all(db)
    .await
}

/// So much of it has gone, even if the rest has not.
pub async fn count(
    db: impl PgExecutor<'_>,
    removal: Uuid,
    files: i64,
    size_bytes: i64,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE execution.removals SET files = files + $2, size_bytes = size_bytes + $3 WHERE id = $1",
        removal,
        files,
        size_bytes,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Notes that the objects of an attempt are gone, and drops what its rows hold of logs and curves.
pub async fn note_removed(
    conn: &mut PgConnection,
    attempt: Uuid,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "DELETE FROM execution.log_pieces WHERE case_run_id IN (
             SELECT id FROM execution.case_runs WHERE attempt_id = $1)",
        attempt,
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "UPDATE execution.case_runs SET usage = NULL WHERE attempt_id = $1 AND usage IS NOT NULL",
        attempt,
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "UPDATE execution.attempts SET removed_at = $2 WHERE id = $1 AND removed_at IS NULL",
        attempt,
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
        "UPDATE execution.removals r SET finished_at = $2
         WHERE r.id = $1 AND r.finished_at IS NULL
           AND NOT EXISTS (SELECT FROM execution.attempts a WHERE a.removal_id = r.id AND a.removed_at IS NULL)
         RETURNING r.files, r.size_bytes",
        removal,
        now,
    )
    .fetch_optional(db)
    .await
}

/// Where the files of a case run are gone.
pub async fn of_run(db: impl PgExecutor<'_>, case_run: Uuid) -> sqlx::Result<Option<Removed>> {
    let row = sqlx::query!(
        r#"SELECT d.removed_at AS "at!", d.retention_days AS "days!"
           FROM execution.case_runs r JOIN execution.removed d ON d.attempt_id = r.attempt_id WHERE r.id = $1"#,
        case_run,
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| Removed {
        at: row.at,
        retention_days: row.days,
    }))
}
