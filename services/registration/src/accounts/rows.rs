use chrono::{DateTime, Utc};
use molar_domain::UserId;
use sqlx::PgExecutor;

use super::create::NewAccount;
use crate::Error;
use crate::error::violates;

pub struct User {
    pub id: UserId,
    pub email: String,
    pub name: String,
    pub affiliation: String,
    pub is_admin: bool,
    pub password_hash: String,
}

pub async fn insert(
    db: impl PgExecutor<'_>,
    new: &NewAccount,
    password_hash: &str,
    now: DateTime<Utc>,
) -> Result<UserId, Error> {
    let id = UserId::at(now);
    let inserted = sqlx::query!(
        "INSERT INTO registration.users (id, email, name, affiliation, password_hash, created_at)
         VALUES ($1, $2, $3, $4, $5, $6)",
        id.0,
        new.email,
        new.name,
        new.affiliation,
        password_hash,
        now,
    )
    .execute(db)
    .await;
    match inserted {
        Ok(_) => Ok(id),
        Err(error) if violates(&error, "users_email_unique") => Err(Error::EmailTaken),
        Err(error) => Err(error.into()),
    }
}

pub async fn find(db: impl PgExecutor<'_>, id: UserId) -> Result<User, Error> {
    let found = sqlx::query_as!(
        User,
        "SELECT id, email, name, affiliation, is_admin, password_hash
         FROM registration.users WHERE id = $1",
        id.0
    );
    found
        .fetch_optional(db)
        .await?
        .ok_or(Error::NotFound("user"))
}

/// `email` in lower case. Nobody finds who was anonymised.
pub async fn by_email(db: impl PgExecutor<'_>, email: &str) -> sqlx::Result<Option<User>> {
    sqlx::query_as!(
        User,
        "SELECT id, email, name, affiliation, is_admin, password_hash
         FROM registration.users WHERE email = $1 AND anonymised_at IS NULL",
        email
    )
    .fetch_optional(db)
    .await
}
