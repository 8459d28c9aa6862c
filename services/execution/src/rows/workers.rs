//! `execution.workers`

use chrono::{DateTime, TimeDelta, Utc};
use molar_domain::WorkerId;
use molar_domain::device_class::DeviceClass;
use molar_domain::worker_api::{Beat, Enrol};
use molar_web_kit::caller::TokenHash;
use sqlx::PgExecutor;

use super::one;
use crate::{Error, Result};

/// A worker beats every ten seconds; after this long without one it does not count.
pub const SILENCE: TimeDelta = TimeDelta::seconds(45);

#[derive(Debug, Clone)]
pub struct Worker {
    pub id: WorkerId,
    pub device_class: String,
    pub is_draining: bool,
}

/// The worker whose key has this hash, unless it was revoked.
pub async fn find_by_key(
    db: impl PgExecutor<'_>,
    key: &TokenHash,
) -> sqlx::Result<Option<WorkerId>> {
    let id = sqlx::query_scalar!(
        "SELECT id FROM execution.workers WHERE key_hash = $1 AND revoked_at IS NULL",
        key.as_bytes(),
    )
    .fetch_optional(db)
    .await?;
    Ok(id.map(WorkerId))
}

pub async fn find(db: impl PgExecutor<'_>, id: WorkerId) -> Result<Worker> {
    let row = sqlx::query!(
        "SELECT device_class, is_draining FROM execution.workers WHERE id = $1",
        id.0,
    )
    .fetch_one(db)
    .await?;
    Ok(Worker {
        id,
        device_class: row.device_class,
        is_draining: row.is_draining,
    })
}

pub async fn insert(
    db: impl PgExecutor<'_>,
    id: WorkerId,
    key: &TokenHash,
    enrol: &Enrol,
    now: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO execution.workers
             (id, name, key_hash, device_class, slots, gpus, slot_memory_bytes, device, enrolled_at, last_seen_at)
         VALUES ($1, $2, $3, $4, $5, $9, $6, $7, $8, $8)",
        id.0,
        enrol.name.trim(),
        key.as_bytes(),
        enrol.device_class,
        i16::try_from(enrol.slots).map_err(|_| Error::BadRow("slots"))?,
        i64::try_from(enrol.slot_memory_bytes).map_err(|_| Error::BadRow("slot_memory_bytes"))?,
        serde_json::to_value(&enrol.device)?,
        now,
        i16::try_from(enrol.gpus).map_err(|_| Error::BadRow("gpus"))?,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Uses an enrolment token up.
pub async fn use_token(
    db: impl PgExecutor<'_>,
    token: &TokenHash,
    worker: WorkerId,
    now: DateTime<Utc>,
) -> Result<()> {
    let done = sqlx::query!(
        "UPDATE execution.enrolment_tokens SET used_by = $2, used_at = $3 WHERE token_hash = $1 AND used_at IS NULL",
        token.as_bytes(),
        worker.0,
        now,
    )
    .execute(db)
    .await?;
    one(&done)
}

/// What a worker is may change between its lives: cards, slots, kernel.
pub async fn see(
    db: impl PgExecutor<'_>,
    id: WorkerId,
    beat: &Beat,
    now: DateTime<Utc>,
) -> Result<()> {
    let runtimes: Vec<_> = (beat.runtimes.iter())
        .map(|runtime| runtime.as_str().to_owned())
        .collect();
    let done = sqlx::query!(
        "UPDATE execution.workers SET last_seen_at = $2, slots = $3, slot_memory_bytes = $4, device = $5, gpus = $6, runtimes = $7,
             keeps_root_out = $8, remaps_users = $9
         WHERE id = $1 AND revoked_at IS NULL",
        id.0,
        now,
        i16::try_from(beat.slots).map_err(|_| Error::BadRow("slots"))?,
        i64::try_from(beat.slot_memory_bytes).map_err(|_| Error::BadRow("slot_memory_bytes"))?,
        serde_json::to_value(&beat.device)?,
        i16::try_from(beat.gpus).map_err(|_| Error::BadRow("gpus"))?,
        &runtimes,
        beat.keeps_root_out,
        beat.remaps_users,
    )
    .execute(db)
    .await?;
    one(&done)
}

/// A class of workers as it can serve now.
#[derive(Debug, Clone)]
pub struct Class {
    pub name: String,
    pub slots: i64,
    /// Slots that have a GPU.
    pub gpus: i64,
}

pub async fn live_classes(db: impl PgExecutor<'_>, now: DateTime<Utc>) -> Result<Vec<Class>> {
    let classes = sqlx::query_as!(
        Class,
        r#"SELECT device_class AS name, sum(slots) AS "slots!", sum(gpus) AS "gpus!"
           FROM execution.workers WHERE revoked_at IS NULL AND NOT is_draining AND last_seen_at > $1
           GROUP BY device_class ORDER BY device_class"#,
        now - SILENCE,
    )
    .fetch_all(db)
    .await?;
    Ok(classes)
}

/// What challenges say of device classes, each with the challenge's slug.
pub async fn described_classes(db: impl PgExecutor<'_>) -> Result<Vec<(String, DeviceClass)>> {
    let rows = sqlx::query!(
        r#"SELECT challenge_slug AS "challenge!", description AS "description!" FROM tracks.device_class_facts
           ORDER BY challenge_slug, device_class"#
    )
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|row| Ok((row.challenge, serde_json::from_value(row.description)?)))
        .collect()
}

/// Id and class of every worker that may come back.
pub async fn list_enrolled(db: impl PgExecutor<'_>) -> Result<Vec<(WorkerId, String)>> {
    let rows = sqlx::query!(
        "SELECT id, device_class FROM execution.workers WHERE revoked_at IS NULL ORDER BY id"
    )
    .fetch_all(db)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.id.into(), row.device_class))
        .collect())
}

/// Claims nothing more. Returns whether there is such a worker.
pub async fn drain(db: impl PgExecutor<'_>, id: WorkerId) -> Result<bool> {
    let done = sqlx::query!(
        "UPDATE execution.workers SET is_draining = true WHERE id = $1 AND revoked_at IS NULL",
        id.0,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Its key opens nothing any more; what it runs is lost when the leases run out.
pub async fn revoke(db: impl PgExecutor<'_>, id: WorkerId, now: DateTime<Utc>) -> Result<bool> {
    let done = sqlx::query!(
        "UPDATE execution.workers SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL",
        id.0,
        now,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}
