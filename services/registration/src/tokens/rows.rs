use chrono::{DateTime, Utc};
use molar_domain::{UserId, ids, spelled_enum};
use molar_web_kit::caller::{TokenHash, new_token};
use molar_web_kit::{Caller, Scope};
use serde::Serialize;
use sqlx::PgExecutor;
use uuid::Uuid;

use crate::Error;

spelled_enum! {
    pub enum Kind as "kind of token" {
        Session = "session",
        Api = "api",
    }
}

pub struct NewToken<'a> {
    pub kind: Kind,
    /// What its owner calls it.
    pub name: &'a str,
    pub scopes: &'a [Scope],
    pub expires_at: DateTime<Utc>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct TokenView {
    pub id: Uuid,
    pub name: String,
    pub scopes: Vec<Scope>,
    pub created_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    /// To the minute.
    pub last_used_at: Option<DateTime<Utc>>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct SessionItem {
    pub id: Uuid,
    /// What the browser or program called itself.
    pub client: String,
    pub created_at: DateTime<Utc>,
    /// To the minute.
    pub last_used_at: Option<DateTime<Utc>>,
    pub expires_at: DateTime<Utc>,
    /// The one that asks.
    pub is_current: bool,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct RenewedSession {
    /// For `Authorization: Bearer`. Told this once.
    pub token: String,
    pub expires_at: DateTime<Utc>,
}

/// Returns the id and the token itself, of which only a hash is kept.
pub async fn insert(
    db: impl PgExecutor<'_>,
    user: UserId,
    new: &NewToken<'_>,
    now: DateTime<Utc>,
) -> Result<(Uuid, String), Error> {
    let (token, hash) = new_token();
    let id = ids::uuid_at(now);
    sqlx::query!(
        "INSERT INTO registration.tokens
             (id, user_id, kind, name, token_hash, scopes, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $8, $6, $7)",
        id,
        user.0,
        new.kind.as_str(),
        new.name,
        hash.as_bytes(),
        now,
        new.expires_at,
        &spelled(new.scopes),
    )
    .execute(db)
    .await?;
    Ok((id, token))
}

fn spelled(scopes: &[Scope]) -> Vec<String> {
    scopes.iter().map(ToString::to_string).collect()
}

/// The tokens of the API that still work.
pub async fn list(
    db: impl PgExecutor<'_>,
    user: UserId,
    now: DateTime<Utc>,
) -> Result<Vec<TokenView>, Error> {
    let rows = sqlx::query!(
        "SELECT id, name, scopes, created_at, expires_at, last_used_at FROM registration.tokens
         WHERE user_id = $1 AND kind = 'api' AND revoked_at IS NULL AND expires_at > $2
         ORDER BY id DESC",
        user.0,
        now,
    )
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|row| {
            let scopes = row.scopes.iter().map(|scope| scope.parse());
            Ok(TokenView {
                id: row.id,
                name: row.name,
                scopes: scopes.collect::<Result<_, _>>()?,
                created_at: row.created_at,
                expires_at: row.expires_at,
                last_used_at: row.last_used_at,
            })
        })
        .collect()
}

/// The caller's sessions that still work.
pub async fn list_sessions(
    db: impl PgExecutor<'_>,
    caller: &Caller,
    now: DateTime<Utc>,
) -> sqlx::Result<Vec<SessionItem>> {
    sqlx::query_as!(
        SessionItem,
        r#"SELECT id, name AS client, created_at, last_used_at, expires_at, id = $3 AS "is_current!"
         FROM registration.tokens
         WHERE user_id = $1 AND kind = 'session' AND revoked_at IS NULL AND expires_at > $2
         ORDER BY id DESC"#,
        caller.user_id.0,
        now,
        caller.token_id,
    )
    .fetch_all(db)
    .await
}

/// All of a person's sessions, but for one that is kept.
pub async fn revoke_sessions(
    db: impl PgExecutor<'_>,
    user: UserId,
    kept: Option<Uuid>,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE registration.tokens SET revoked_at = $3
         WHERE user_id = $1 AND kind = 'session' AND revoked_at IS NULL AND id IS DISTINCT FROM $2",
        user.0,
        kept,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Sessions and tokens of the API.
pub async fn revoke_all(
    db: impl PgExecutor<'_>,
    user: UserId,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE registration.tokens SET revoked_at = $2 WHERE user_id = $1 AND revoked_at IS NULL",
        user.0,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The session of this token, if it is one's.
pub async fn revoke_session(
    db: impl PgExecutor<'_>,
    token: &TokenHash,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE registration.tokens SET revoked_at = $2
         WHERE token_hash = $1 AND kind = 'session' AND revoked_at IS NULL",
        token.as_bytes(),
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The same session under another token; the one that was known until now works no more. Nothing for
/// a token of the API.
pub async fn renew(db: impl PgExecutor<'_>, session: Uuid) -> sqlx::Result<Option<RenewedSession>> {
    let (token, hash) = new_token();
    let expires_at = sqlx::query_scalar!(
        "UPDATE registration.tokens SET token_hash = $2
         WHERE id = $1 AND kind = 'session' AND revoked_at IS NULL RETURNING expires_at",
        session,
        hash.as_bytes(),
    )
    .fetch_optional(db)
    .await?;
    Ok(expires_at.map(|expires_at| RenewedSession { token, expires_at }))
}

/// Revoking twice is as good as once; another person's token is none.
pub async fn revoke(
    db: impl PgExecutor<'_>,
    id: Uuid,
    user: UserId,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let done = sqlx::query!(
        "UPDATE registration.tokens SET revoked_at = COALESCE(revoked_at, $3)
         WHERE id = $1 AND user_id = $2",
        id,
        user.0,
        now,
    )
    .execute(db)
    .await?;
    if done.rows_affected() == 1 {
        Ok(())
    } else {
        Err(Error::NotFound("token"))
    }
}

pub async fn delete_expired_before(
    db: impl PgExecutor<'_>,
    before: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "DELETE FROM registration.tokens WHERE expires_at < $1",
        before
    )
    .execute(db)
    .await?;
    Ok(())
}
