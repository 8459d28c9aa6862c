//! Files of phases that are kept no longer: their organizers hear of it at least a week before anything goes.

use chrono::{DateTime, Utc};
use molar_domain::{UserId, retention};
use molar_web_kit::Kit;
use sqlx::PgConnection;
use uuid::Uuid;

use super::moment;
use crate::{Error, mails};

/// Another close or other days give another date, which is told anew.
pub async fn round(kit: &Kit) -> Result<(), Error> {
    let now = kit.clock.now();
    forget(kit).await?;
    for due in list(kit, now).await? {
        let mut tx = kit.db.begin().await?;
        tell(&mut tx, kit, &due, now).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// Dates that another close or other days have overtaken: were they due again one day, nothing would go untold.
async fn forget(kit: &Kit) -> sqlx::Result<()> {
    sqlx::query!(
        "DELETE FROM registration.retention_notices n WHERE NOT EXISTS (
             SELECT FROM tracks.phase_retention r WHERE r.phase_id = n.phase_id AND r.due_at = n.due_at)"
    )
    .execute(&kit.db)
    .await?;
    Ok(())
}

struct Due {
    phase_id: Uuid,
    challenge_id: Uuid,
    due_at: DateTime<Utc>,
    retention_days: i32,
    phase: String,
    track: String,
    challenge: String,
    challenge_slug: String,
    zone: String,
}

async fn list(kit: &Kit, now: DateTime<Utc>) -> sqlx::Result<Vec<Due>> {
    sqlx::query_as!(
        Due,
        r#"SELECT r.phase_id AS "phase_id!", f.challenge_id AS "challenge_id!", r.due_at AS "due_at!",
                  r.retention_days AS "retention_days!", f.phase_title AS "phase!", f.track_title AS "track!",
                  f.challenge_title AS "challenge!", f.challenge_slug AS "challenge_slug!", f.zone AS "zone!"
           FROM tracks.phase_retention r JOIN tracks.phase_facts f ON f.phase_id = r.phase_id
           WHERE r.due_at <= $1 AND f.closes_at <= $2 AND NOT EXISTS (
               SELECT FROM registration.retention_notices n WHERE n.phase_id = r.phase_id AND n.due_at = r.due_at)
             AND NOT EXISTS (SELECT FROM submission.in_flight l WHERE l.phase_id = r.phase_id)
           ORDER BY r.due_at, r.phase_id"#,
        now + retention::AHEAD,
        now,
    )
    .fetch_all(&kit.db)
    .await
}

/// Unless another process has. A phase without files is noted all the same, and nobody gets a mail.
async fn tell(
    conn: &mut PgConnection,
    kit: &Kit,
    due: &Due,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    let removes_at = retention::removes_at(due.due_at, now);
    let noted = sqlx::query!(
        r#"INSERT INTO registration.retention_notices (phase_id, due_at, removes_at, told_at, files, size_bytes)
           SELECT $1, $2, $3, $4, COALESCE(sum(f.files), 0)::bigint, COALESCE(sum(f.size_bytes), 0)::bigint
           FROM (SELECT files, size_bytes FROM submission.phase_files WHERE phase_id = $1
                 UNION ALL SELECT files, size_bytes FROM execution.phase_files WHERE phase_id = $1) f
           ON CONFLICT DO NOTHING RETURNING files, size_bytes"#,
        due.phase_id,
        due.due_at,
        removes_at,
        now,
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(noted) = noted.filter(|noted| noted.files > 0) else {
        return Ok(());
    };
    let organizers = sqlx::query_scalar!(
        r#"SELECT user_id AS "id!" FROM registration.challenge_organizers WHERE challenge_id = $1"#,
        due.challenge_id,
    );
    let organizers: Vec<_> = organizers.fetch_all(&mut *conn).await?;
    let organizers: Vec<_> = organizers.into_iter().map(UserId).collect();
    let on = moment(removes_at, &due.zone);
    let Due {
        phase,
        track,
        challenge,
        retention_days: days,
        ..
    } = due;
    let title = format!("Files of {phase} are removed on {on}: {track}, {challenge}");
    let text = format!(
        "On {on}, {} files of {} bytes of {phase} of {track} are removed: what teams handed in, their images, the \
         outputs, logs and curves of their runs. {challenge} keeps them for {days} days after the close. Scores, ranks \
         and the audit log stay.\n\n\
         What is removed cannot be scored again and does not come back. Fetch what you need before, or keep it for \
         longer: `retention_days` in the challenge file, or\n\n{}organize/challenges/{}#{}",
        noted.files, noted.size_bytes, kit.public_url, due.challenge_slug, due.phase_id
    );
    let cause = format!("retention {}/{}", removes_at.timestamp(), due.phase_id);
    mails::queue_needed(conn, (now, removes_at), &cause, &organizers, &title, &text).await
}
