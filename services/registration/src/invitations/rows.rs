use chrono::{DateTime, Utc};
use molar_domain::{TeamId, UserId, ids};
use molar_web_kit::caller::{TokenHash, new_token};
use sqlx::PgExecutor;
use uuid::Uuid;

use crate::Error;

pub struct Invitation {
    pub id: Uuid,
    pub team_id: TeamId,
    pub team_name: String,
    pub challenge_slug: String,
    pub challenge_title: String,
    pub invited_by: String,
    pub expires_at: DateTime<Utc>,
    pub used_by: Option<UserId>,
    pub revoked_at: Option<DateTime<Utc>>,
}

impl Invitation {
    /// Whether one more person may use it.
    pub fn check(&self, now: DateTime<Utc>) -> Result<(), Error> {
        if self.used_by.is_some() {
            return Err(Error::InvitationOver("it was used, and works once"));
        }
        if self.revoked_at.is_some() {
            return Err(Error::InvitationOver("it was taken back"));
        }
        if self.expires_at <= now {
            return Err(Error::InvitationOver("its time is past"));
        }
        Ok(())
    }
}

/// Returns the secret of the link, of which only a hash is kept.
pub async fn insert(
    db: impl PgExecutor<'_>,
    team: TeamId,
    invited_by: UserId,
    expires_at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> sqlx::Result<String> {
    let (token, hash) = new_token();
    sqlx::query!(
        "INSERT INTO registration.invitations
             (id, team_id, token_hash, invited_by, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6)",
        ids::uuid_at(now),
        team.0,
        hash.as_bytes(),
        invited_by.0,
        now,
        expires_at,
    )
    .execute(db)
    .await?;
    Ok(token)
}

pub async fn find(db: impl PgExecutor<'_>, token: &str) -> Result<Invitation, Error> {
    let hash = TokenHash::of(token);
    let found = sqlx::query!(
        r#"
        SELECT i.id, i.team_id, i.expires_at, i.used_by, i.revoked_at, t.name AS team_name,
               u.name AS invited_by, c.slug, c.title
        FROM registration.invitations i
        JOIN registration.teams t ON t.id = i.team_id
        JOIN registration.users u ON u.id = i.invited_by
        JOIN tracks.challenges c ON c.id = t.challenge_id
        WHERE i.token_hash = $1
        "#,
        hash.as_bytes(),
    )
    .fetch_optional(db)
    .await?;
    let row = found.ok_or(Error::NotFound("invitation"))?;
    Ok(Invitation {
        id: row.id,
        team_id: row.team_id.into(),
        team_name: row.team_name,
        challenge_slug: row.slug,
        challenge_title: row.title,
        invited_by: row.invited_by,
        expires_at: row.expires_at,
        used_by: row.used_by.map(UserId),
        revoked_at: row.revoked_at,
    })
}

pub async fn mark_used(
    db: impl PgExecutor<'_>,
    id: Uuid,
    user: UserId,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE registration.invitations SET used_by = $2, used_at = $3
         WHERE id = $1 AND used_by IS NULL",
        id,
        user.0,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}
