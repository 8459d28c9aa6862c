use chrono::{DateTime, Utc};
use molar_domain::{TeamId, UserId, ids, spelled_enum};
use molar_web_kit::caller::{TokenHash, new_token};
use serde::Serialize;
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

spelled_enum! {
    #[derive(utoipa::ToSchema)]
    pub enum InvitationState as "state of an invitation" {
        Open = "open",
        Used = "used",
        Revoked = "revoked",
        Expired = "expired",
    }
}

/// An invitation without its secret, which was told once.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct InvitationItem {
    pub id: Uuid,
    pub state: InvitationState,
    pub invited_by: String,
    pub created_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    /// Who joined by it.
    pub used_by: Option<String>,
    pub used_at: Option<DateTime<Utc>>,
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
) -> Result<(), Error> {
    let done = sqlx::query!(
        "UPDATE registration.invitations SET used_by = $2, used_at = $3
         WHERE id = $1 AND used_by IS NULL AND revoked_at IS NULL",
        id,
        user.0,
        now,
    )
    .execute(db)
    .await?;
    match done.rows_affected() {
        1 => Ok(()),
        _ => Err(Error::InvitationOver("it was used, and works once")),
    }
}

/// The newest first.
pub async fn list(
    db: impl PgExecutor<'_>,
    team: TeamId,
    now: DateTime<Utc>,
) -> sqlx::Result<Vec<InvitationItem>> {
    let rows = sqlx::query!(
        r#"
        SELECT i.id, i.created_at, i.expires_at, i.revoked_at, i.used_at, b.name AS invited_by,
               u.name AS "used_by?"
        FROM registration.invitations i
        JOIN registration.users b ON b.id = i.invited_by
        LEFT JOIN registration.users u ON u.id = i.used_by
        WHERE i.team_id = $1
        ORDER BY i.id DESC LIMIT 100
        "#,
        team.0,
    )
    .fetch_all(db)
    .await?;
    let items = rows.into_iter().map(|row| InvitationItem {
        id: row.id,
        state: match (row.used_at, row.revoked_at) {
            (Some(_), _) => InvitationState::Used,
            (None, Some(_)) => InvitationState::Revoked,
            (None, None) if row.expires_at <= now => InvitationState::Expired,
            (None, None) => InvitationState::Open,
        },
        invited_by: row.invited_by,
        created_at: row.created_at,
        expires_at: row.expires_at,
        used_by: row.used_by,
        used_at: row.used_at,
    });
    Ok(items.collect())
}

/// Whether it was used before; none where the team has no such.
pub async fn revoke(
    db: impl PgExecutor<'_>,
    team: TeamId,
    id: Uuid,
    now: DateTime<Utc>,
) -> sqlx::Result<Option<bool>> {
    sqlx::query_scalar!(
        r#"UPDATE registration.invitations
           SET revoked_at = CASE WHEN used_by IS NULL THEN COALESCE(revoked_at, $3) ELSE revoked_at END
           WHERE id = $1 AND team_id = $2
           RETURNING used_by IS NOT NULL AS "is_used!""#,
        id,
        team.0,
        now,
    )
    .fetch_optional(db)
    .await
}
