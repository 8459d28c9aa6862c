use chrono::{DateTime, TimeDelta, Utc};
use molar_web_kit::caller::{TokenHash, new_token};
use sqlx::{PgExecutor, PgPool};

const GOOD_FOR: TimeDelta = TimeDelta::hours(1);

/// Makes a token with which one worker enrols within the hour. It is told once.
pub async fn create_enrolment_token(pool: &PgPool, now: DateTime<Utc>) -> sqlx::Result<String> {
    Ok(create(pool, now).await?.0)
}

pub(crate) async fn create(
    db: impl PgExecutor<'_>,
    now: DateTime<Utc>,
) -> sqlx::Result<(String, DateTime<Utc>)> {
    let (token, hash) = new_token();
    let expires_at = now + GOOD_FOR;
    sqlx::query!(
        "INSERT INTO execution.enrolment_tokens (token_hash, created_at, expires_at) VALUES ($1, $2, $3)",
        hash.as_bytes(),
        now,
        expires_at,
    )
    .execute(db)
    .await?;
    Ok((token, expires_at))
}

/// Locks a token that is still good; the caller uses it up in the same transaction.
pub(crate) async fn is_good(
    db: impl PgExecutor<'_>,
    hash: &TokenHash,
    now: DateTime<Utc>,
) -> sqlx::Result<bool> {
    let found = sqlx::query_scalar!(
        r#"SELECT true AS "found!" FROM execution.enrolment_tokens
           WHERE token_hash = $1 AND used_at IS NULL AND expires_at > $2 FOR UPDATE"#,
        hash.as_bytes(),
        now,
    )
    .fetch_optional(db)
    .await?;
    Ok(found.is_some())
}
