//! Imported boards, a row each, and the challenges that they are of. Every challenge is public, and so are they.

use chrono::{DateTime, Utc};
use molar_domain::{ChallengeId, UserId};
use sqlx::PgExecutor;
use sqlx::types::Json;
use uuid::Uuid;

use super::ranked::{Ranked, RankedRow};
use super::table::Column;
use crate::error::Error;

pub struct Challenge {
    pub id: ChallengeId,
    pub slug: String,
}

pub async fn challenge(db: impl PgExecutor<'_>, slug: &str) -> Result<Challenge, Error> {
    let found = sqlx::query!(
        r#"SELECT challenge_id AS "id!", slug AS "slug!" FROM tracks.challenge_facts WHERE slug = $1"#,
        slug,
    )
    .fetch_optional(db)
    .await?;
    let found = found.ok_or(Error::NotFound("challenge"))?;
    Ok(Challenge {
        id: found.id.into(),
        slug: found.slug,
    })
}

/// All of a board but what is in its table.
#[derive(Debug, Clone)]
pub struct Import {
    pub id: Uuid,
    pub challenge_id: Uuid,
    pub challenge_slug: String,
    pub challenge_title: String,
    pub zone: String,
    pub slug: String,
    pub title: String,
    pub source: Option<String>,
    pub note: Option<String>,
    pub table_sha256: String,
    pub imported_at: DateTime<Utc>,
}

impl Import {
    pub fn path(&self) -> String {
        format!("/boards/{}/{}", self.challenge_slug, self.slug)
    }
}

/// How a board is asked for; what is none is not asked for.
#[derive(Debug, Clone, Copy, Default)]
pub struct Asked<'a> {
    pub id: Option<Uuid>,
    /// Slug of the challenge.
    pub challenge: Option<&'a str>,
    pub slug: Option<&'a str>,
}

impl Asked<'_> {
    pub fn by(id: Uuid) -> Self {
        Self {
            id: Some(id),
            ..Self::default()
        }
    }
}

/// In the order of the challenges.
pub async fn list(db: impl PgExecutor<'_>, asked: Asked<'_>) -> sqlx::Result<Vec<Import>> {
    sqlx::query_as!(
        Import,
        r#"SELECT i.id, i.challenge_id, c.slug AS "challenge_slug!", c.title AS "challenge_title!", c.zone AS "zone!",
                  i.slug, i.title, i.source, i.note, i.table_sha256, i.imported_at
           FROM leaderboard.imports i
           JOIN tracks.challenge_facts c ON c.challenge_id = i.challenge_id
           WHERE ($1::uuid IS NULL OR i.id = $1) AND ($2::text IS NULL OR c.slug = $2)
             AND ($3::text IS NULL OR i.slug = $3)
           ORDER BY i.challenge_id, i.slug"#,
        asked.id,
        asked.challenge,
        asked.slug,
    )
    .fetch_all(db)
    .await
}

pub async fn find(db: impl PgExecutor<'_>, asked: Asked<'_>) -> Result<Import, Error> {
    let mut found = list(db, asked).await?;
    found.pop().ok_or(Error::NotFound("imported board"))
}

/// The whole board, of one moment.
pub async fn read(db: impl PgExecutor<'_>, asked: Asked<'_>) -> Result<(Import, Ranked), Error> {
    let found = sqlx::query!(
        r#"SELECT i.id, i.challenge_id, c.slug AS "challenge_slug!", c.title AS "challenge_title!", c.zone AS "zone!",
                  i.slug, i.title, i.source, i.note, i.table_sha256, i.imported_at,
                  i.metrics AS "metrics: Json<Vec<Column>>", i.left_out, i.rows AS "rows: Json<Vec<RankedRow>>"
           FROM leaderboard.imports i
           JOIN tracks.challenge_facts c ON c.challenge_id = i.challenge_id
           WHERE ($1::uuid IS NULL OR i.id = $1) AND ($2::text IS NULL OR c.slug = $2)
             AND ($3::text IS NULL OR i.slug = $3)
           LIMIT 1"#,
        asked.id,
        asked.challenge,
        asked.slug,
    )
    .fetch_optional(db)
    .await?;
    let found = found.ok_or(Error::NotFound("imported board"))?;
    let import = Import {
        id: found.id,
        challenge_id: found.challenge_id,
        challenge_slug: found.challenge_slug,
        challenge_title: found.challenge_title,
        zone: found.zone,
        slug: found.slug,
        title: found.title,
        source: found.source,
        note: found.note,
        table_sha256: found.table_sha256,
        imported_at: found.imported_at,
    };
    let ranked = Ranked {
        metrics: found.metrics.0,
        left_out: found.left_out,
        rows: found.rows.0,
    };
    Ok((import, ranked))
}

pub async fn count(db: impl PgExecutor<'_>, challenge: ChallengeId) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM leaderboard.imports WHERE challenge_id = $1"#,
        challenge.0,
    )
    .fetch_one(db)
    .await
}

/// A board that was checked and ranked.
#[derive(Debug)]
pub struct New {
    pub slug: String,
    pub title: String,
    pub source: Option<String>,
    pub note: Option<String>,
    pub table_sha256: String,
    pub ranked: Ranked,
}

/// Whether there was none of its name.
pub async fn insert(
    db: impl PgExecutor<'_>,
    id: Uuid,
    challenge: ChallengeId,
    new: &New,
    by: UserId,
    now: DateTime<Utc>,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "INSERT INTO leaderboard.imports (id, challenge_id, slug, title, source, note, table_sha256, metrics, left_out,
                                          rows, imported_by, imported_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
         ON CONFLICT ON CONSTRAINT imports_slug_unique DO NOTHING",
        id,
        challenge.0,
        new.slug,
        new.title,
        new.source,
        new.note,
        new.table_sha256,
        Json(&new.ranked.metrics) as _,
        &new.ranked.left_out,
        Json(&new.ranked.rows) as _,
        by.0,
        now,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The board of this name with the hash of its table, held until the transaction ends.
pub async fn lock(
    db: impl PgExecutor<'_>,
    challenge: ChallengeId,
    slug: &str,
) -> sqlx::Result<Option<(Uuid, String)>> {
    let found = sqlx::query!(
        "SELECT id, table_sha256 FROM leaderboard.imports WHERE challenge_id = $1 AND slug = $2 FOR UPDATE",
        challenge.0,
        slug,
    )
    .fetch_optional(db)
    .await?;
    Ok(found.map(|row| (row.id, row.table_sha256)))
}

/// Everything but its name and its id. The caller has it locked.
pub async fn replace(
    db: impl PgExecutor<'_>,
    id: Uuid,
    new: &New,
    by: UserId,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE leaderboard.imports
         SET title = $2, source = $3, note = $4, table_sha256 = $5, metrics = $6, left_out = $7, rows = $8,
             imported_by = $9, imported_at = $10
         WHERE id = $1",
        id,
        new.title,
        new.source,
        new.note,
        new.table_sha256,
        Json(&new.ranked.metrics) as _,
        &new.ranked.left_out,
        Json(&new.ranked.rows) as _,
        by.0,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Whether it was there.
pub async fn delete(db: impl PgExecutor<'_>, id: Uuid) -> sqlx::Result<bool> {
    let done = sqlx::query!("DELETE FROM leaderboard.imports WHERE id = $1", id)
        .execute(db)
        .await?;
    Ok(done.rows_affected() == 1)
}
