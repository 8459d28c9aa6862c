//! What an organizer is told of the files of each phase: until when they are kept, and what has gone.

use std::collections::HashMap;

use chrono_tz::Tz;
use sqlx::PgPool;
use uuid::Uuid;

use super::when;

/// By phase; of one that keeps its files for ever, nothing.
pub async fn lines(
    db: &PgPool,
    challenge: Uuid,
    zone: Tz,
) -> sqlx::Result<HashMap<Uuid, Vec<String>>> {
    let mut lines: HashMap<Uuid, Vec<String>> = HashMap::new();
    for removed in removed(db, challenge).await? {
        let line = format!(
            "{} files of {} bytes were removed {} {} under the retention of {} days.",
            removed.files,
            removed.size_bytes,
            if removed.finished_at.is_some() {
                "on"
            } else {
                "(it goes on) since"
            },
            when::moment(removed.begun_at, zone),
            removed.retention_days
        );
        lines.entry(removed.phase_id).or_default().push(line);
    }
    for planned in planned(db, challenge).await? {
        let line = match planned.removes_at {
            Some(at) => format!(
                "On {}, {} files of {} bytes are removed: the phase keeps files for {} days after its close.",
                when::moment(at, zone),
                planned.files,
                planned.size_bytes,
                planned.retention_days
            ),
            None => format!(
                "Its files are kept until {}; organizers are told at least a week before any is removed.",
                when::moment(planned.due_at, zone)
            ),
        };
        let told = lines.entry(planned.phase_id).or_default();
        told.push(line);
        if planned.is_busy {
            told.push(
                "Nothing is removed while a submission is still to be scored or a re-scoring computes."
                    .to_owned(),
            );
        }
    }
    Ok(lines)
}

struct Gone {
    phase_id: Uuid,
    retention_days: i32,
    begun_at: chrono::DateTime<chrono::Utc>,
    finished_at: Option<chrono::DateTime<chrono::Utc>>,
    files: i64,
    size_bytes: i64,
}

async fn removed(db: &PgPool, challenge: Uuid) -> sqlx::Result<Vec<Gone>> {
    sqlx::query_as!(
        Gone,
        r#"SELECT r.phase_id AS "phase_id!", r.retention_days AS "retention_days!", r.begun_at AS "begun_at!",
                  r.finished_at, r.files AS "files!", r.size_bytes AS "size_bytes!"
           FROM execution.removed_files r JOIN tracks.phase_facts f ON f.phase_id = r.phase_id
           WHERE f.challenge_id = $1 AND (r.files > 0 OR r.finished_at IS NULL) ORDER BY r.begun_at"#,
        challenge,
    )
    .fetch_all(db)
    .await
}

struct Planned {
    phase_id: Uuid,
    retention_days: i32,
    due_at: chrono::DateTime<chrono::Utc>,
    /// Once it was announced.
    removes_at: Option<chrono::DateTime<chrono::Utc>>,
    files: i64,
    size_bytes: i64,
    is_busy: bool,
}

/// Of phases that have something left. Counted now.
async fn planned(db: &PgPool, challenge: Uuid) -> sqlx::Result<Vec<Planned>> {
    sqlx::query_as!(
        Planned,
        r#"SELECT r.phase_id AS "phase_id!", r.retention_days AS "retention_days!", r.due_at AS "due_at!",
                  d.removes_at AS "removes_at?", COALESCE(s.files, 0) + COALESCE(e.files, 0) AS "files!",
                  COALESCE(s.size_bytes, 0) + COALESCE(e.size_bytes, 0) AS "size_bytes!",
                  COALESCE(d.is_busy, false) AS "is_busy!"
           FROM tracks.phase_retention r
           JOIN tracks.phase_facts f ON f.phase_id = r.phase_id
           LEFT JOIN registration.removals_due d ON d.phase_id = r.phase_id
           LEFT JOIN submission.phase_files s ON s.phase_id = r.phase_id
           LEFT JOIN execution.phase_files e ON e.phase_id = r.phase_id
           WHERE f.challenge_id = $1 AND COALESCE(s.files, 0) + COALESCE(e.files, 0) > 0 ORDER BY r.due_at"#,
        challenge,
    )
    .fetch_all(db)
    .await
}
