use chrono::{DateTime, Utc};
use molar_domain::{TeamId, UserId};
use secrecy::SecretString;
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use crate::Error;
use crate::error::violates;

pub struct User {
    pub id: UserId,
    pub email: String,
    pub name: String,
    pub affiliation: String,
    pub is_admin: bool,
    pub password_hash: String,
    pub confirmed_at: Option<DateTime<Utc>>,
    /// Whether an address that is not confirmed matters.
    pub must_confirm: bool,
    pub wants_notices: bool,
}

#[derive(Debug)]
pub struct NewAccount {
    pub email: String,
    pub name: String,
    pub affiliation: String,
    pub password: SecretString,
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
        "SELECT id, email, name, affiliation, is_admin, password_hash, confirmed_at, must_confirm,
                wants_notices
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
        "SELECT id, email, name, affiliation, is_admin, password_hash, confirmed_at, must_confirm,
                wants_notices
         FROM registration.users WHERE email = $1 AND anonymised_at IS NULL",
        email
    )
    .fetch_optional(db)
    .await
}

pub async fn set_must_confirm(db: impl PgExecutor<'_>, id: UserId) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE registration.users SET must_confirm = true WHERE id = $1",
        id.0
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The first confirmation of the address stays. Not of an address that the account has no more.
pub async fn set_confirmed(
    db: impl PgExecutor<'_>,
    id: UserId,
    email: &str,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let done = sqlx::query!(
        "UPDATE registration.users SET confirmed_at = COALESCE(confirmed_at, $3)
         WHERE id = $1 AND email = $2 AND anonymised_at IS NULL",
        id.0,
        email,
        now,
    )
    .execute(db)
    .await?;
    match done.rows_affected() {
        1 => Ok(()),
        _ => Err(Error::LinkOver),
    }
}

/// Not confirmed yet.
pub async fn set_email(db: impl PgExecutor<'_>, id: UserId, email: &str) -> Result<(), Error> {
    let changed = sqlx::query!(
        "UPDATE registration.users SET email = $2, confirmed_at = NULL WHERE id = $1",
        id.0,
        email
    )
    .execute(db)
    .await;
    match changed {
        Ok(_) => Ok(()),
        Err(error) if violates(&error, "users_email_unique") => Err(Error::EmailTaken),
        Err(error) => Err(error.into()),
    }
}

pub async fn set_password(db: impl PgExecutor<'_>, id: UserId, hash: &str) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE registration.users SET password_hash = $2 WHERE id = $1",
        id.0,
        hash
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Locks the rows of all administrators: of two who go at once the second waits here, and sees the first gone.
pub async fn has_other_admin(conn: &mut PgConnection, id: UserId) -> sqlx::Result<bool> {
    let admins = sqlx::query_scalar!(
        "SELECT id FROM registration.users
         WHERE is_admin AND anonymised_at IS NULL ORDER BY id FOR UPDATE"
    );
    let admins = admins.fetch_all(conn).await?;
    Ok(admins.iter().any(|admin| *admin != id.0))
}

/// In one order everywhere, since their rows are locked next.
pub async fn teams_of(db: impl PgExecutor<'_>, id: UserId) -> sqlx::Result<Vec<TeamId>> {
    let teams = sqlx::query_scalar!(
        "SELECT team_id FROM registration.memberships WHERE user_id = $1 ORDER BY team_id",
        id.0
    );
    let teams = teams.fetch_all(db).await?;
    Ok(teams.into_iter().map(TeamId).collect())
}

/// Whether the team has a place in a track other than these, and no other member.
pub async fn would_compete_without_anybody(
    db: impl PgExecutor<'_>,
    team: TeamId,
    leaver: UserId,
    kept_in: &[Uuid],
) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (
            SELECT FROM registration.participations p
            WHERE p.team_id = $1 AND p.state = 'approved' AND p.track_id <> ALL($3)
              AND NOT EXISTS (SELECT FROM registration.memberships m
                              WHERE m.team_id = $1 AND m.user_id <> $2)) AS "would!""#,
        team.0,
        leaver.0,
        kept_in,
    )
    .fetch_one(db)
    .await
}

/// Sessions, tokens, links, rights, and invitations that nobody has used.
pub async fn delete_what_is_theirs(
    conn: &mut PgConnection,
    id: UserId,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!("DELETE FROM registration.tokens WHERE user_id = $1", id.0)
        .execute(&mut *conn)
        .await?;
    sqlx::query!(
        "DELETE FROM registration.idempotency_keys WHERE caller_id = $1",
        id.0
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "DELETE FROM registration.mail_links WHERE user_id = $1",
        id.0
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "DELETE FROM registration.challenge_roles WHERE user_id = $1",
        id.0
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "UPDATE registration.invitations SET revoked_at = $2
         WHERE invited_by = $1 AND used_by IS NULL AND revoked_at IS NULL",
        id.0,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What remains is a number that rows can point to.
pub async fn anonymise(
    conn: &mut PgConnection,
    id: UserId,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE registration.users
         SET email = id || '@deleted.invalid', name = 'Deleted account', affiliation = '',
             password_hash = '', is_admin = false, confirmed_at = NULL, wants_notices = false,
             anonymised_at = $2
         WHERE id = $1",
        id.0,
        now
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "DELETE FROM registration.sightings WHERE user_id = $1",
        id.0
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!("SELECT registration.erase_person($1)", id.0)
        .execute(conn)
        .await?;
    Ok(())
}
