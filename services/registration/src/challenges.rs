//! What this role reads of the tracks' tables: what one can take part in, and on which terms.

use molar_domain::{ChallengeId, TrackId, UserId};
use sqlx::PgExecutor;

use crate::Error;

#[derive(Debug, Clone)]
pub struct Challenge {
    pub id: ChallengeId,
    pub slug: String,
    pub title: String,
    pub team_size_max: i16,
}

#[derive(Debug, Clone)]
pub struct Track {
    pub id: TrackId,
    pub slug: String,
    pub title: String,
}

/// Terms of data use; the newest version is the one to sign.
#[derive(Debug, Clone)]
pub struct AgreementText {
    pub version: String,
    pub text: String,
    pub sha256: String,
}

pub async fn find(db: impl PgExecutor<'_>, id: ChallengeId) -> Result<Challenge, Error> {
    let found = sqlx::query_as!(
        Challenge,
        "SELECT id, slug, title, team_size_max FROM tracks.challenges WHERE id = $1",
        id.0
    );
    found
        .fetch_optional(db)
        .await?
        .ok_or(Error::NotFound("challenge"))
}

pub async fn find_by_slug(db: impl PgExecutor<'_>, slug: &str) -> Result<Challenge, Error> {
    let found = sqlx::query_as!(
        Challenge,
        "SELECT id, slug, title, team_size_max FROM tracks.challenges WHERE slug = $1",
        slug
    );
    found
        .fetch_optional(db)
        .await?
        .ok_or(Error::NotFound("challenge"))
}

pub async fn list(db: impl PgExecutor<'_>) -> sqlx::Result<Vec<Challenge>> {
    sqlx::query_as!(
        Challenge,
        "SELECT id, slug, title, team_size_max FROM tracks.challenges ORDER BY created_at, id"
    )
    .fetch_all(db)
    .await
}

pub async fn tracks(db: impl PgExecutor<'_>, challenge: ChallengeId) -> sqlx::Result<Vec<Track>> {
    sqlx::query_as!(
        Track,
        "SELECT id, slug, title FROM tracks.tracks WHERE challenge_id = $1 ORDER BY position, id",
        challenge.0
    )
    .fetch_all(db)
    .await
}

/// A challenge without data to protect has none.
pub async fn newest_agreement(
    db: impl PgExecutor<'_>,
    challenge: ChallengeId,
) -> sqlx::Result<Option<AgreementText>> {
    sqlx::query_as!(
        AgreementText,
        "SELECT version, text, sha256 FROM tracks.agreement_texts
         WHERE challenge_id = $1 ORDER BY created_at DESC, version DESC LIMIT 1",
        challenge.0
    )
    .fetch_optional(db)
    .await
}

pub async fn has_signed(
    db: impl PgExecutor<'_>,
    user: UserId,
    challenge: ChallengeId,
    version: &str,
) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (
            SELECT FROM registration.agreements
            WHERE user_id = $1 AND challenge_id = $2 AND version = $3) AS "is_signed!""#,
        user.0,
        challenge.0,
        version
    )
    .fetch_one(db)
    .await
}
