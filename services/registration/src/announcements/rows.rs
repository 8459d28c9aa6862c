use chrono::{DateTime, Utc};
use molar_domain::{ChallengeId, UserId, ids};
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use super::AnnouncementView;
use crate::Error;

#[derive(Debug)]
pub struct NewAnnouncement {
    pub title: String,
    pub text: String,
    pub by_mail: bool,
}

pub async fn insert(
    conn: &mut PgConnection,
    challenge: ChallengeId,
    new: &NewAnnouncement,
    by: UserId,
    now: DateTime<Utc>,
) -> sqlx::Result<Uuid> {
    let id = ids::uuid_at(now);
    sqlx::query!(
        "INSERT INTO registration.announcements
             (id, challenge_id, title, text, is_mailed, created_by, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        id,
        challenge.0,
        new.title,
        new.text,
        new.by_mail,
        by.0,
        now,
    )
    .execute(conn)
    .await?;
    Ok(id)
}

/// Everybody in a team that has a place in a track of the challenge.
pub async fn participants(
    db: impl PgExecutor<'_>,
    challenge: ChallengeId,
) -> sqlx::Result<Vec<UserId>> {
    let users = sqlx::query_scalar!(
        "SELECT DISTINCT m.user_id FROM registration.memberships m
         JOIN registration.teams t ON t.id = m.team_id
         WHERE t.challenge_id = $1 AND EXISTS (
             SELECT FROM registration.participations p
             WHERE p.team_id = t.id AND p.state = 'approved')",
        challenge.0
    );
    let users = users.fetch_all(db).await?;
    Ok(users.into_iter().map(UserId).collect())
}

/// The newest first; of one challenge or of all.
pub async fn list(
    db: impl PgExecutor<'_>,
    challenge: Option<ChallengeId>,
    before: Option<Uuid>,
    limit: i64,
) -> sqlx::Result<Vec<AnnouncementView>> {
    let rows = sqlx::query!(
        "SELECT a.id, a.challenge_id, c.slug AS challenge, a.title, a.text,
               a.is_mailed, a.created_at, a.withdrawn_at, a.withdrawn_reason
        FROM registration.announcements a JOIN tracks.challenges c ON c.id = a.challenge_id
        WHERE ($1::uuid IS NULL OR a.challenge_id = $1) AND ($2::uuid IS NULL OR a.id < $2)
        ORDER BY a.id DESC LIMIT $3",
        challenge.map(Uuid::from),
        before,
        limit,
    )
    .fetch_all(db)
    .await?;
    let views = rows.into_iter().map(|row| AnnouncementView {
        id: row.id,
        challenge_id: row.challenge_id.into(),
        challenge: row.challenge,
        title: row.title,
        text: row.text,
        is_mailed: row.is_mailed,
        created_at: row.created_at,
        withdrawn_at: row.withdrawn_at,
        withdrawn_reason: row.withdrawn_reason,
    });
    Ok(views.collect())
}

/// The challenge of an announcement that may still be withdrawn.
pub async fn lock(conn: &mut PgConnection, id: Uuid) -> Result<(ChallengeId, bool), Error> {
    let row = sqlx::query!(
        r#"SELECT challenge_id, withdrawn_at IS NOT NULL AS "is_withdrawn!"
           FROM registration.announcements WHERE id = $1 FOR UPDATE"#,
        id
    )
    .fetch_optional(conn)
    .await?
    .ok_or(Error::NotFound("announcement"))?;
    Ok((row.challenge_id.into(), row.is_withdrawn))
}

pub async fn withdraw(
    conn: &mut PgConnection,
    id: Uuid,
    by: UserId,
    reason: &str,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE registration.announcements
         SET withdrawn_at = $2, withdrawn_by = $3, withdrawn_reason = $4
         WHERE id = $1 AND withdrawn_at IS NULL",
        id,
        now,
        by.0,
        reason,
    )
    .execute(conn)
    .await?;
    Ok(())
}
