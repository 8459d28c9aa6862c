//! What this role reads of the tracks' tables: what one can take part in, and on which terms.

use molar_domain::challenge::question::Question;
use molar_domain::{ChallengeId, TrackId, UserId};
use molar_web_kit::Caller;
use sqlx::PgExecutor;
use sqlx::types::Json;
use uuid::Uuid;

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
    /// Asked of a team that wants a place.
    pub questions: Json<Vec<Question>>,
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
        r#"SELECT id, slug, title, questions AS "questions: Json<Vec<Question>>"
           FROM tracks.tracks WHERE challenge_id = $1 ORDER BY position, id"#,
        challenge.0
    )
    .fetch_all(db)
    .await
}

/// The slugs of challenges of which the caller sees everything.
pub async fn reviewed(db: impl PgExecutor<'_>, caller: &Caller) -> sqlx::Result<Vec<String>> {
    let own = caller.organizer_of.iter().chain(&caller.reviewer_of);
    let own: Vec<Uuid> = own.map(|id| id.0).collect();
    sqlx::query_scalar!(
        "SELECT slug FROM tracks.challenges WHERE id = ANY($1) OR $2 ORDER BY created_at, id",
        &own,
        caller.is_admin,
    )
    .fetch_all(db)
    .await
}

/// One that the caller organizes or reviews.
pub async fn find_reviewed(
    db: impl PgExecutor<'_>,
    caller: &Caller,
    slug: &str,
) -> Result<Challenge, Error> {
    let challenge = find_by_slug(db, slug).await?;
    caller.require_reviewer(challenge.id)?;
    Ok(challenge)
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

/// The version that a user signed last, other than the newest.
pub async fn signed_before(
    db: impl PgExecutor<'_>,
    user: UserId,
    challenge: ChallengeId,
    newest: &str,
) -> sqlx::Result<Option<AgreementText>> {
    sqlx::query_as!(
        AgreementText,
        "SELECT t.version, t.text, t.sha256
         FROM registration.agreements a
         JOIN tracks.agreement_texts t ON t.challenge_id = a.challenge_id AND t.version = a.version
         WHERE a.user_id = $1 AND a.challenge_id = $2 AND a.version <> $3
         ORDER BY a.signed_at DESC, a.id DESC LIMIT 1",
        user.0,
        challenge.0,
        newest,
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
