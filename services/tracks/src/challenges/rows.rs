use chrono::{DateTime, Utc};
use molar_domain::device_class::DeviceClass;
use sqlx::PgExecutor;
use sqlx::types::Json;
use uuid::Uuid;

use crate::Error;

#[derive(Debug, Clone)]
pub struct Challenge {
    pub id: Uuid,
    pub slug: String,
    pub title: String,
    pub summary: String,
    pub zone: String,
    pub team_size_max: i16,
    pub note: Option<String>,
    pub agreement_version: Option<String>,
    pub agreement_text: Option<String>,
    pub agreement_sha256: Option<String>,
}

#[derive(Debug, Clone)]
pub struct Track {
    pub id: Uuid,
    pub slug: String,
    pub title: String,
    pub format: String,
    pub labels: Vec<i32>,
    pub groups: serde_json::Value,
    pub pixel_spacing_mm: Option<f64>,
    pub questions: serde_json::Value,
}

#[derive(Debug, Clone)]
pub struct Split {
    pub id: Uuid,
    pub track_id: Uuid,
    pub slug: String,
    pub is_public: bool,
    pub has_references: bool,
    pub are_references_public: bool,
    pub announced_cases: Option<i32>,
    pub stored_cases: i64,
}

pub async fn list(db: impl PgExecutor<'_>) -> sqlx::Result<Vec<Challenge>> {
    select(db, None).await
}

pub async fn find(db: impl PgExecutor<'_>, slug: &str) -> Result<Challenge, Error> {
    let mut found = select(db, Some(slug)).await?;
    found.pop().ok_or(Error::NotFound("challenge"))
}

async fn select(db: impl PgExecutor<'_>, slug: Option<&str>) -> sqlx::Result<Vec<Challenge>> {
    sqlx::query_as!(
        Challenge,
        r#"
        SELECT c.id, c.slug, c.title, c.summary, c.zone, c.team_size_max, c.note,
               a.version AS "agreement_version?", a.text AS "agreement_text?",
               a.sha256 AS "agreement_sha256?"
        FROM tracks.challenges c
        LEFT JOIN LATERAL (
            SELECT * FROM tracks.agreement_texts a WHERE a.challenge_id = c.id
            ORDER BY a.created_at DESC, a.version DESC LIMIT 1) a ON true
        WHERE $1::text IS NULL OR c.slug = $1
        ORDER BY c.id DESC
        "#,
        slug,
    )
    .fetch_all(db)
    .await
}

pub async fn tracks(db: impl PgExecutor<'_>, challenge: Uuid) -> sqlx::Result<Vec<Track>> {
    sqlx::query_as!(
        Track,
        "SELECT id, slug, title, format, labels, groups, pixel_spacing_mm, questions FROM tracks.tracks
         WHERE challenge_id = $1 ORDER BY position, slug",
        challenge,
    )
    .fetch_all(db)
    .await
}

/// What the machines are, by the slug of their class.
pub async fn device_classes(
    db: impl PgExecutor<'_>,
    challenge: Uuid,
) -> sqlx::Result<Vec<DeviceClass>> {
    let found = sqlx::query_scalar!(
        r#"SELECT description AS "description: Json<DeviceClass>" FROM tracks.device_classes
           WHERE challenge_id = $1 ORDER BY slug"#,
        challenge,
    )
    .fetch_all(db)
    .await?;
    Ok(found.into_iter().map(|Json(class)| class).collect())
}

pub async fn splits(db: impl PgExecutor<'_>, challenge: Uuid) -> sqlx::Result<Vec<Split>> {
    sqlx::query_as!(
        Split,
        r#"
        SELECT s.id, s.track_id, s.slug, s.is_public, s.has_references, s.are_references_public, s.announced_cases,
               (SELECT count(*) FROM tracks.cases c
                WHERE c.split_id = s.id AND c.state = 'stored') AS "stored_cases!"
        FROM tracks.splits s
        JOIN tracks.tracks t ON t.id = s.track_id
        WHERE t.challenge_id = $1 ORDER BY s.id
        "#,
        challenge,
    )
    .fetch_all(db)
    .await
}

/// A board of the challenge that was imported from a published table.
pub struct Imported {
    pub slug: String,
    pub title: String,
}

pub async fn imported(db: impl PgExecutor<'_>, challenge: Uuid) -> sqlx::Result<Vec<Imported>> {
    sqlx::query_as!(
        Imported,
        r#"SELECT slug AS "slug!", title AS "title!" FROM leaderboard.import_facts
           WHERE challenge_id = $1 ORDER BY slug"#,
        challenge,
    )
    .fetch_all(db)
    .await
}

/// What the organizers told everybody.
pub struct Announced {
    pub title: String,
    pub text: String,
    pub created_at: DateTime<Utc>,
    pub withdrawn_reason: Option<String>,
}

/// The newest first.
pub async fn announced(
    db: impl PgExecutor<'_>,
    challenge: Uuid,
    limit: i64,
) -> sqlx::Result<Vec<Announced>> {
    sqlx::query_as!(
        Announced,
        r#"SELECT title AS "title!", text AS "text!", created_at AS "created_at!", withdrawn_reason
           FROM registration.announced WHERE challenge_id = $1
           ORDER BY announcement_id DESC LIMIT $2"#,
        challenge,
        limit,
    )
    .fetch_all(db)
    .await
}
