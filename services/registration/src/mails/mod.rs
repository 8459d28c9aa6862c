//! Mail to people: written in the transaction of what causes it, sent by [`Sender`] until a server
//! has taken it.
//!
//! A *cause* names what the mail is about, `<occasion>/<subject>`; the same person gets one mail for it,
//! however often it is queued. Whoever has news for people calls [`queue`] and is
//! done: who opted out, has no confirmed address, or deleted the account gets nothing. Mails that an
//! account cannot do without go by [`queue_account`].
//!
//! ```text
//! waiting ──Send──▶ sent          a server took it
//!    ▲  │
//!    │  └─Fail──▶ waiting         again after a back-off, with the same Message-ID
//!    │  └─Refuse, or deadline──▶ given up
//!    └──────────Retry───────────────┘   by an administrator
//! ```

mod compose;
pub mod list;
pub mod retry;
pub mod rows;
mod sender;
#[cfg(test)]
mod tests;
pub mod unsubscribe;

use chrono::{DateTime, TimeDelta, Utc};
use molar_domain::{UserId, ids, spelled_enum};
use sqlx::PgConnection;

use crate::links::Link;

pub use retry::retry_mail;
pub use sender::{MailArgs, POLL, Sender};

spelled_enum! {
    pub enum Kind as "kind of mail" {
        /// About the account itself: cannot be opted out of.
        Account = "account",
        Notice = "notice",
    }
}

/// How long a server may be away before news is no news any more.
const PATIENCE: TimeDelta = TimeDelta::days(3);

/// Stands in the text of an account's mail where its link will.
pub const LINK: &str = "{link}";

/// News for these people, a mail each. `cause` is `<occasion>/<subject>`; the subject of the mail is cut
/// to one line.
pub async fn queue(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    cause: &str,
    to: &[UserId],
    subject: &str,
    text: &str,
) -> sqlx::Result<()> {
    insert(
        conn,
        Kind::Notice,
        (now, now + PATIENCE),
        cause,
        to,
        (subject, text),
    )
    .await
}

/// What these people have to know before `deadline`, whatever news they want.
pub async fn queue_needed(
    conn: &mut PgConnection,
    (now, deadline): (DateTime<Utc>, DateTime<Utc>),
    cause: &str,
    to: &[UserId],
    subject: &str,
    text: &str,
) -> sqlx::Result<()> {
    insert(
        conn,
        Kind::Account,
        (now, deadline),
        cause,
        to,
        (subject, text),
    )
    .await
}

async fn insert(
    conn: &mut PgConnection,
    kind: Kind,
    (now, deadline): (DateTime<Utc>, DateTime<Utc>),
    cause: &str,
    to: &[UserId],
    (subject, text): (&str, &str),
) -> sqlx::Result<()> {
    let ids: Vec<_> = to.iter().map(|_| ids::uuid_at(now)).collect();
    let users: Vec<_> = to.iter().map(|user| user.0).collect();
    sqlx::query!(
        "INSERT INTO registration.mails
             (id, cause, kind, user_id, recipient, subject, text, created_at, deadline, not_before)
         SELECT n.id, $3 || '/' || u.id, $8, u.id, u.email, $4, $5, $6, $7, $6
         FROM unnest($1::uuid[], $2::uuid[]) AS n (id, user_id)
         JOIN registration.users u ON u.id = n.user_id
         WHERE u.anonymised_at IS NULL AND (u.wants_notices OR $8 = 'account')
           AND (u.confirmed_at IS NOT NULL OR NOT u.must_confirm)
         ON CONFLICT ON CONSTRAINT mails_cause_key DO NOTHING",
        &ids,
        &users,
        cause,
        one_line(subject),
        text,
        now,
        deadline,
        kind.as_str(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A mail that an account needs, such as one with a link. Goes to `email`, whatever the account's is.
pub struct AccountMail<'a> {
    pub user: UserId,
    pub email: &'a str,
    pub subject: &'a str,
    /// With [`LINK`] in it where there is a link.
    pub text: &'a str,
    pub link: Option<&'a Link>,
}

/// Each is a cause of its own: who asks again gets another.
pub async fn queue_account(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    mail: &AccountMail<'_>,
) -> sqlx::Result<()> {
    let id = ids::uuid_at(now);
    // What its link does is over with the link.
    let deadline = mail.link.map_or(now + PATIENCE, |link| link.expires_at);
    sqlx::query!(
        "INSERT INTO registration.mails
             (id, cause, kind, user_id, recipient, subject, text, link_id, created_at, deadline, not_before)
         VALUES ($1, 'account/' || $1::uuid, 'account', $2, $3, $4, $5, $6, $7, $8, $7)",
        id,
        mail.user.0,
        mail.email,
        one_line(mail.subject),
        mail.text,
        mail.link.map(|link| link.id),
        now,
        deadline,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A subject is a header: no line break gets into it, whoever wrote it.
fn one_line(text: &str) -> String {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control());
    let line: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    line.join(" ").chars().take(200).collect()
}
