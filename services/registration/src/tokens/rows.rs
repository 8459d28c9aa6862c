use chrono::{DateTime, Utc};
use molar_domain::{UserId, ids, spelled_enum};
use molar_web_kit::caller::new_token;
use sqlx::PgExecutor;
use uuid::Uuid;

use super::list::TokenView;
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
             (id, user_id, kind, name, token_hash, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        id,
        user.0,
        new.kind.as_str(),
        new.name,
        hash.as_bytes(),
        now,
        new.expires_at,
    )
    .execute(db)
    .await?;
    Ok((id, token))
}

/// The tokens of the API that still work.
pub async fn list(
    db: impl PgExecutor<'_>,
    user: UserId,
    now: DateTime<Utc>,
) -> sqlx::Result<Vec<TokenView>> {
    sqlx::query_as!(
        TokenView,
        "SELECT id, name, created_at, expires_at FROM registration.tokens
         WHERE user_id = $1 AND kind = 'api' AND revoked_at IS NULL AND expires_at > $2
         ORDER BY id DESC",
        user.0,
        now,
    )
    .fetch_all(db)
    .await
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
