//! The ledger of data: each link to a file that was handed to a person.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use molar_domain::{UserId, spelled_enum, uuid_at};
use sqlx::PgExecutor;
use uuid::Uuid;

spelled_enum! {
    /// What a link leads to: the image or the reference of a case, or many of them in one file.
    pub enum Kind as "kind of download" {
        Image = "image",
        Reference = "reference",
        Pack = "pack",
    }
}

pub struct Link<'a> {
    pub challenge: Uuid,
    pub user: UserId,
    pub kind: Kind,
    /// The case, or the pack.
    pub file: Uuid,
    /// track/split/file
    pub place: &'a str,
    pub size_bytes: i64,
    pub good_for: Duration,
}

/// Before the link is told: what is not noted is not handed out.
pub async fn note(
    db: impl PgExecutor<'_>,
    link: &Link<'_>,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    let good_for = TimeDelta::from_std(link.good_for).unwrap_or(TimeDelta::MAX);
    sqlx::query!(
        "INSERT INTO tracks.downloads
             (id, challenge_id, user_id, kind, file_id, place, size_bytes, handed_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        uuid_at(now),
        link.challenge,
        link.user.0,
        link.kind.as_str(),
        link.file,
        link.place,
        link.size_bytes,
        now,
        now + good_for,
    )
    .execute(db)
    .await?;
    Ok(())
}
