//! Links that are mailed to a person: each works once, and not for long.
//!
//! The secret of a link is made from its id and our key when the mail goes out, so neither the link
//! nor the mail that waits for a server holds it; of the secret the database knows a hash.

use chrono::{DateTime, TimeDelta, Utc};
use molar_domain::{UserId, ids, spelled_enum};
use molar_web_kit::Kit;
use molar_web_kit::caller::TokenHash;
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use crate::{Error, keyed};

spelled_enum! {
    pub enum Purpose as "purpose of a link" {
        /// The address of a new account.
        Confirm = "confirm",
        /// Another address for an account.
        Change = "change",
        /// A new password.
        Reset = "reset",
    }
}

impl Purpose {
    /// How long the link works. Who can read the mailbox can take the account by a reset, so that
    /// one is short.
    pub fn lifetime(self) -> TimeDelta {
        match self {
            Self::Confirm => TimeDelta::days(3),
            Self::Change => TimeDelta::days(1),
            Self::Reset => TimeDelta::hours(1),
        }
    }

    fn path(self) -> &'static str {
        match self {
            Self::Confirm | Self::Change => "/account/confirm",
            Self::Reset => "/account/reset",
        }
    }
}

pub struct Link {
    pub id: Uuid,
    pub expires_at: DateTime<Utc>,
}

/// Makes a link; earlier ones for the same purpose end.
pub async fn insert(
    conn: &mut PgConnection,
    kit: &Kit,
    user: UserId,
    purpose: Purpose,
    email: &str,
) -> sqlx::Result<Link> {
    let now = kit.clock.now();
    sqlx::query!(
        "UPDATE registration.mail_links SET expires_at = $3
         WHERE user_id = $1 AND purpose = $2 AND used_at IS NULL AND expires_at > $3",
        user.0,
        purpose.as_str(),
        now,
    )
    .execute(&mut *conn)
    .await?;
    let link = Link {
        id: ids::uuid_at(now),
        expires_at: now + purpose.lifetime(),
    };
    let hash = TokenHash::of(&secret(kit, link.id));
    sqlx::query!(
        "INSERT INTO registration.mail_links
             (id, user_id, purpose, email, token_hash, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        link.id,
        user.0,
        purpose.as_str(),
        email,
        hash.as_bytes(),
        now,
        link.expires_at,
    )
    .execute(conn)
    .await?;
    Ok(link)
}

/// Ends all that is on its way to a person: who had the account before the password was changed has none of it.
pub async fn end_all(
    conn: &mut PgConnection,
    user: UserId,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE registration.mail_links SET expires_at = $2
         WHERE user_id = $1 AND used_at IS NULL AND expires_at > $2",
        user.0,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A link that was opened in time, by whoever reads the mailbox.
pub struct Opened {
    pub user_id: UserId,
    pub purpose: Purpose,
    pub email: String,
}

/// Uses a link up. It works again if the transaction does not commit.
pub async fn open(
    conn: &mut PgConnection,
    token: &str,
    purposes: &[Purpose],
    now: DateTime<Utc>,
) -> Result<Opened, Error> {
    let purposes: Vec<String> = purposes.iter().map(ToString::to_string).collect();
    let hash = TokenHash::of(token);
    let opened = sqlx::query!(
        "UPDATE registration.mail_links SET used_at = $3
         WHERE token_hash = $1 AND purpose = ANY($2) AND used_at IS NULL AND expires_at > $3
         RETURNING user_id, purpose, email",
        hash.as_bytes(),
        &purposes,
        now,
    )
    .fetch_optional(conn)
    .await?
    .ok_or(Error::LinkOver)?;
    Ok(Opened {
        user_id: opened.user_id.into(),
        purpose: opened.purpose.parse()?,
        email: opened.email,
    })
}

/// The link as it stands in the mail.
pub fn url(kit: &Kit, id: Uuid, purpose: Purpose) -> String {
    let mut url = kit.public_url.clone();
    url.set_path(purpose.path());
    url.query_pairs_mut().append_pair("token", &secret(kit, id));
    url.to_string()
}

fn secret(kit: &Kit, id: Uuid) -> String {
    hex::encode(keyed::digest(kit, "link of a mail", id.as_bytes()))
}

pub async fn delete_expired_before(
    db: impl PgExecutor<'_>,
    before: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "DELETE FROM registration.mail_links WHERE expires_at < $1",
        before
    )
    .execute(db)
    .await?;
    Ok(())
}
