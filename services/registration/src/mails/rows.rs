use chrono::{DateTime, TimeDelta, Utc};
use molar_domain::UserId;
use serde::Serialize;
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use crate::Error;

/// A mail that this process may send, until its lease runs out.
#[derive(Debug)]
pub struct Claimed {
    pub id: Uuid,
    pub kind: String,
    pub user_id: Uuid,
    pub recipient: String,
    pub subject: String,
    pub text: String,
    pub link_id: Option<Uuid>,
    pub link_purpose: Option<String>,
    pub created_at: DateTime<Utc>,
    pub deadline: DateTime<Utc>,
    /// 1 on the first try.
    pub attempts: i32,
    pub lease_token: Option<Uuid>,
}

/// A mail that no server has taken. To whom it goes is nobody's business here.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct MailView {
    pub id: Uuid,
    /// `account` or `notice`.
    pub kind: String,
    pub subject: String,
    pub created_at: DateTime<Utc>,
    pub next_try_at: DateTime<Utc>,
    pub deadline: DateTime<Utc>,
    pub attempts: i32,
    /// Not tried any more unless an administrator asks for it.
    pub given_up_at: Option<DateTime<Utc>>,
    pub last_error: Option<String>,
}

/// Longer than a server may take for one mail.
const LEASE: TimeDelta = TimeDelta::minutes(3);

/// The mail that is due for longest. Whoever dies with it leaves it to the next after the lease.
pub async fn claim(db: impl PgExecutor<'_>, now: DateTime<Utc>) -> sqlx::Result<Option<Claimed>> {
    sqlx::query_as!(
        Claimed,
        r#"
        WITH due AS (
            SELECT id FROM registration.mails
            WHERE sent_at IS NULL AND given_up_at IS NULL AND not_before <= $1
              AND (lease_expires_at IS NULL OR lease_expires_at <= $1)
            ORDER BY not_before, id LIMIT 1 FOR UPDATE SKIP LOCKED
        )
        UPDATE registration.mails m
        SET lease_token = gen_random_uuid(), lease_expires_at = $2, attempts = m.attempts + 1
        FROM due WHERE m.id = due.id
        RETURNING m.id, m.kind, m.user_id, m.recipient, m.subject, m.text, m.link_id,
                  (SELECT l.purpose FROM registration.mail_links l WHERE l.id = m.link_id) AS link_purpose,
                  m.created_at, m.deadline, m.attempts, m.lease_token
        "#,
        now,
        now + LEASE,
    )
    .fetch_optional(db)
    .await
}

/// A server took it. Its text is of no use to anybody any more.
pub async fn finish(
    db: impl PgExecutor<'_>,
    mail: &Claimed,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE registration.mails
         SET sent_at = $3, text = '', lease_token = NULL, lease_expires_at = NULL, last_error = NULL
         WHERE id = $1 AND lease_token = $2",
        mail.id,
        mail.lease_token,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Not now; perhaps never. `until` is when to try again, NULL to give up.
pub async fn fail(
    db: impl PgExecutor<'_>,
    mail: &Claimed,
    error: &str,
    until: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE registration.mails
         SET last_error = $3, lease_token = NULL, lease_expires_at = NULL,
             not_before = COALESCE($4, not_before),
             given_up_at = CASE WHEN $4::timestamptz IS NULL THEN $5::timestamptz END
         WHERE id = $1 AND lease_token = $2",
        mail.id,
        mail.lease_token,
        error,
        until,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Takes up again what was given up.
pub async fn retry(
    db: impl PgExecutor<'_>,
    id: Uuid,
    deadline: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let done = sqlx::query!(
        "UPDATE registration.mails SET given_up_at = NULL, not_before = $2, deadline = $3, attempts = 0
         WHERE id = $1 AND given_up_at IS NOT NULL AND recipient <> ''",
        id,
        now,
        deadline,
    )
    .execute(db)
    .await?;
    match done.rows_affected() {
        1 => Ok(()),
        _ => Err(Error::NotFound("mail that was given up")),
    }
}

/// Of a person who is gone, or of what was sent long ago: the row stays, so that its cause does.
pub async fn erase_of(
    conn: &mut PgConnection,
    user: UserId,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE registration.mails
         SET recipient = '', subject = '', text = '', last_error = NULL,
             lease_token = NULL, lease_expires_at = NULL,
             given_up_at = CASE WHEN sent_at IS NULL THEN COALESCE(given_up_at, $2) END
         WHERE user_id = $1",
        user.0,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn erase_ended_before(
    db: impl PgExecutor<'_>,
    before: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE registration.mails SET recipient = '', subject = '', text = ''
         WHERE COALESCE(sent_at, given_up_at) < $1 AND recipient <> ''",
        before
    )
    .execute(db)
    .await?;
    Ok(())
}

/// How many wait and were given up, and since when the oldest waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counts {
    pub waiting: i64,
    pub oldest: Option<DateTime<Utc>>,
    pub given_up: i64,
}

pub async fn counts(db: impl PgExecutor<'_>) -> sqlx::Result<Counts> {
    sqlx::query_as!(
        Counts,
        r#"
        SELECT count(*) FILTER (WHERE given_up_at IS NULL) AS "waiting!",
               min(created_at) FILTER (WHERE given_up_at IS NULL) AS oldest,
               count(*) FILTER (WHERE given_up_at IS NOT NULL) AS "given_up!"
        FROM registration.mails WHERE sent_at IS NULL AND recipient <> ''
        "#
    )
    .fetch_one(db)
    .await
}

/// What is not sent, the newest first. Of account mails no more than that there are such.
pub async fn list_unsent(
    db: impl PgExecutor<'_>,
    before: Option<Uuid>,
    limit: i64,
) -> sqlx::Result<Vec<MailView>> {
    sqlx::query_as!(
        MailView,
        r#"
        SELECT id, kind, subject, created_at, not_before AS next_try_at, deadline, attempts,
               given_up_at, last_error
        FROM registration.mails
        WHERE sent_at IS NULL AND recipient <> '' AND ($1::uuid IS NULL OR id < $1)
        ORDER BY id DESC LIMIT $2
        "#,
        before,
        limit,
    )
    .fetch_all(db)
    .await
}
