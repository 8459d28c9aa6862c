//! A challenge with its terms, its phases and what was downloaded of it.

use chrono::{DateTime, TimeDelta, Utc};
use molar_domain::{ChallengeId, TrackId};
use molar_web_kit::testing::{Person, noon};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use sqlx::PgPool;

#[derive(Debug, Clone, Copy)]
pub struct Challenge {
    pub id: ChallengeId,
    pub track: TrackId,
    pub other_track: TrackId,
}

/// The challenge `demo` with an agreement, two tracks, and teams of up to three.
pub async fn challenge(owner: &PgPool) -> Challenge {
    challenge_named(owner, "demo").await
}

pub async fn challenge_named(owner: &PgPool, slug: &str) -> Challenge {
    let challenge = Challenge {
        id: ChallengeId::at(noon()),
        track: TrackId::at(noon()),
        other_track: TrackId::at(noon()),
    };
    sqlx::query!(
        "INSERT INTO tracks.challenges
             (id, slug, title, summary, zone, team_size_max, created_at, updated_at)
         VALUES ($1, $2, 'Teeth in images', 'Find them.', 'Europe/Berlin', 3, $3, $3)",
        challenge.id.0,
        slug,
        noon(),
    )
    .execute(owner)
    .await
    .expect("a challenge");
    for (position, (id, slug)) in [(challenge.track, "opg"), (challenge.other_track, "cbct")]
        .into_iter()
        .enumerate()
    {
        sqlx::query!(
            "INSERT INTO tracks.tracks (id, challenge_id, slug, title, format, labels, position)
             VALUES ($1, $2, $3, upper($3), 'labelme', '{11,12}', $4)",
            id.0,
            challenge.id.0,
            slug,
            i16::try_from(position).unwrap_or(0),
        )
        .execute(owner)
        .await
        .expect("a track");
    }
    new_agreement(owner, &challenge, "1").await;
    challenge
}

fn terms(version: &str) -> String {
    format!("Version {version}: for research only.")
}

pub async fn new_agreement(owner: &PgPool, challenge: &Challenge, version: &str) {
    sqlx::query!(
        "INSERT INTO tracks.agreement_texts (challenge_id, version, text, sha256, created_at)
         VALUES ($1, $2, $3, $4, $5)",
        challenge.id.0,
        version,
        terms(version),
        hex::encode(Sha256::digest(terms(version))),
        noon(),
    )
    .execute(owner)
    .await
    .expect("terms");
}

/// A body that signs this version.
pub fn signature(version: &str) -> Value {
    json!({
        "challenge": "demo",
        "version": version,
        "text_sha256": hex::encode(Sha256::digest(terms(version))),
        "name": "Ada Lovelace",
        "affiliation": "Analytical Society",
    })
}

/// A phase of the first track, open from `opens_at` for a month.
pub async fn phase(owner: &PgPool, challenge: &Challenge, opens_at: DateTime<Utc>) -> uuid::Uuid {
    let split = uuid::Uuid::now_v7();
    sqlx::query!(
        "INSERT INTO tracks.splits (id, track_id, slug, is_public, has_references)
         VALUES ($1, $2, $3, false, true)",
        split,
        challenge.track.0,
        format!("split-{split}"),
    )
    .execute(owner)
    .await
    .expect("a split");
    let phase = uuid::Uuid::now_v7();
    sqlx::query!(
        "INSERT INTO tracks.phases
             (id, track_id, slug, title, kind, split_id, position, opens_at, closes_at, is_final,
              metrics, keep, quota, limits, device_class)
         VALUES ($1, $2, $3, 'Final', 'predictions', $4, 1, $5, $6, false, '{IA}', 'latest', '{}', '{}', 'any')",
        phase,
        challenge.track.0,
        format!("phase-{phase}"),
        split,
        opens_at,
        opens_at + TimeDelta::days(30),
    )
    .execute(owner)
    .await
    .expect("a phase");
    phase
}

/// A phase that locks teams.
pub async fn locking_phase(owner: &PgPool, challenge: &Challenge, opens_at: DateTime<Utc>) {
    let phase = phase(owner, challenge, opens_at).await;
    sqlx::query!(
        "UPDATE tracks.phases SET locks_teams = true WHERE id = $1",
        phase
    )
    .execute(owner)
    .await
    .expect("a lock");
}

/// A phase of the first track whose ranks are final since yesterday.
pub async fn closed_phase(owner: &PgPool, challenge: &Challenge) -> uuid::Uuid {
    phase(owner, challenge, noon() - TimeDelta::days(31)).await
}

/// A link to the image of some case.
pub async fn handed_out(
    owner: &PgPool,
    challenge: &Challenge,
    to: &Person,
    file: i64,
    at: DateTime<Utc>,
) {
    let number = u128::from(file.unsigned_abs());
    sqlx::query!(
        "INSERT INTO tracks.downloads
             (id, challenge_id, user_id, kind, file_id, place, size_bytes, handed_at, expires_at)
         VALUES ($1, $2, $3, 'image', $4, $5, 7, $6, $7)",
        uuid::Uuid::now_v7(),
        challenge.id.0,
        to.id.0,
        uuid::Uuid::from_u128(number),
        format!("opg/training/{file}.png"),
        at,
        at + TimeDelta::hours(1),
    )
    .execute(owner)
    .await
    .expect("a link");
}
