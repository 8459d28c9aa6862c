//! `tracks.packs`

use chrono::{DateTime, Utc};
use molar_domain::{TrackId, UserId, uuid_at};
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use crate::Error;

/// A track as packs need it.
#[derive(Debug, Clone)]
pub struct Track {
    pub id: Uuid,
    pub slug: String,
    pub challenge_id: Uuid,
    pub challenge: String,
}

pub async fn track(db: impl PgExecutor<'_>, id: TrackId) -> Result<Track, Error> {
    let found = sqlx::query_as!(
        Track,
        "SELECT t.id, t.slug, t.challenge_id, c.slug AS challenge FROM tracks.tracks t
         JOIN tracks.challenges c ON c.id = t.challenge_id WHERE t.id = $1",
        id.0
    )
    .fetch_optional(db)
    .await?;
    found.ok_or(Error::NotFound("track"))
}

/// Until the transaction ends, nobody else changes which pack is the track's.
pub async fn lock(conn: &mut PgConnection, track: Uuid) -> sqlx::Result<()> {
    sqlx::query!(
        "SELECT id FROM tracks.tracks WHERE id = $1 FOR UPDATE",
        track
    )
    .fetch_one(conn)
    .await?;
    Ok(())
}

#[derive(Debug, Clone)]
pub struct Pack {
    pub id: Uuid,
    pub track_id: Uuid,
    pub object_key: String,
    pub size_bytes: i64,
    pub sha256: String,
    pub samples: Vec<String>,
    pub stored_at: Option<DateTime<Utc>>,
}

/// Those that participants get: of each track the one that was stored last.
pub async fn current(
    db: impl PgExecutor<'_>,
    challenge: Uuid,
    track: Option<Uuid>,
) -> sqlx::Result<Vec<Pack>> {
    sqlx::query_as!(
        Pack,
        "SELECT DISTINCT ON (p.track_id) p.id, p.track_id, p.object_key, p.size_bytes, p.sha256, p.samples, p.stored_at
         FROM tracks.packs p JOIN tracks.tracks t ON t.id = p.track_id
         WHERE t.challenge_id = $1 AND ($2::uuid IS NULL OR t.id = $2) AND p.stored_at IS NOT NULL
         ORDER BY p.track_id, p.stored_at DESC, p.id DESC",
        challenge,
        track,
    )
    .fetch_all(db)
    .await
}

pub async fn by_hash(
    db: impl PgExecutor<'_>,
    track: Uuid,
    sha256: &str,
) -> sqlx::Result<Option<Pack>> {
    sqlx::query_as!(
        Pack,
        "SELECT id, track_id, object_key, size_bytes, sha256, samples, stored_at FROM tracks.packs
         WHERE track_id = $1 AND sha256 = $2",
        track,
        sha256,
    )
    .fetch_optional(db)
    .await
}

pub struct New<'a> {
    pub track: Uuid,
    pub object_key: &'a str,
    pub size_bytes: i64,
    pub sha256: &'a str,
    pub samples: &'a [String],
    pub by: UserId,
}

/// A pack is its bytes: announced again, it is the same one.
pub async fn announce(
    db: impl PgExecutor<'_>,
    new: &New<'_>,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO tracks.packs
             (id, track_id, object_key, size_bytes, sha256, samples, announced_by, announced_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
         ON CONFLICT ON CONSTRAINT packs_once DO UPDATE SET size_bytes = excluded.size_bytes,
             samples = excluded.samples, announced_by = excluded.announced_by, announced_at = excluded.announced_at
         WHERE tracks.packs.stored_at IS NULL",
        uuid_at(now),
        new.track,
        new.object_key,
        new.size_bytes,
        new.sha256,
        new.samples,
        new.by.0,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

pub async fn mark_stored(
    db: impl PgExecutor<'_>,
    id: Uuid,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE tracks.packs SET stored_at = $2 WHERE id = $1",
        id,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// A case as it could be given away.
#[derive(Debug, Clone)]
pub struct Sample {
    pub split: String,
    pub case: String,
    pub is_public: bool,
    pub has_references: bool,
    /// None: the split has no such case in the store.
    pub image_sha256: Option<String>,
    /// Of the newest set, in the store.
    pub reference_sha256: Option<String>,
    /// None until it was read.
    pub is_good: Option<bool>,
}

/// What there is of the named cases, in their order; none for a split that the track has not.
pub async fn samples(
    db: impl PgExecutor<'_>,
    track: Uuid,
    splits: &[String],
    cases: &[String],
) -> sqlx::Result<Vec<Sample>> {
    sqlx::query_as!(
        Sample,
        r#"SELECT n.split AS "split!", n.name AS "case!", s.is_public, s.has_references,
                  c.sha256 AS "image_sha256?", r.sha256 AS "reference_sha256?", f.is_good AS "is_good?"
           FROM unnest($2::text[], $3::text[]) WITH ORDINALITY AS n(split, name, place)
           JOIN tracks.splits s ON s.track_id = $1 AND s.slug = n.split
           LEFT JOIN tracks.cases c ON c.split_id = s.id AND c.name = n.name AND c.state = 'stored'
           LEFT JOIN tracks.case_references r ON r.case_id = c.id AND r.state = 'stored' AND r.reference_set_id =
               (SELECT e.id FROM tracks.reference_sets e WHERE e.split_id = s.id ORDER BY e.version DESC LIMIT 1)
           LEFT JOIN scoring.reference_facts f ON f.reference_id = r.id
           ORDER BY n.place"#,
        track,
        splits,
        cases,
    )
    .fetch_all(db)
    .await
}
