//! `tracks.reference_sets` that are corrections, and what they share.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use crate::cases::announce::Content;

/// The newest version, with the reference of each case by the case's name.
pub struct Base {
    pub set: Uuid,
    pub references: BTreeMap<String, Known>,
}

pub struct Known {
    pub case_id: Uuid,
    pub sha256: String,
}

/// The split's lock is held.
pub async fn base(conn: &mut PgConnection, split: Uuid) -> sqlx::Result<Option<Base>> {
    let Some(set) = newest(&mut *conn, split).await? else {
        return Ok(None);
    };
    let rows = sqlx::query!(
        "SELECT c.name, r.case_id, r.sha256
         FROM tracks.case_references r JOIN tracks.cases c ON c.id = r.case_id
         WHERE r.reference_set_id = $1 AND r.state = 'stored' AND c.state <> 'removed'",
        set,
    )
    .fetch_all(conn)
    .await?;
    let known = rows.into_iter().map(|row| {
        let known = Known {
            case_id: row.case_id,
            sha256: row.sha256,
        };
        (row.name, known)
    });
    Ok(Some(Base {
        set,
        references: known.collect(),
    }))
}

pub async fn newest(db: impl PgExecutor<'_>, split: Uuid) -> sqlx::Result<Option<Uuid>> {
    sqlx::query_scalar!(
        "SELECT id FROM tracks.reference_sets WHERE split_id = $1 AND version > 0 ORDER BY version DESC LIMIT 1",
        split,
    )
    .fetch_optional(db)
    .await
}

/// Corrections that nobody accepted give way to a new one.
pub async fn drop_open(
    conn: &mut PgConnection,
    split: Uuid,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE tracks.reference_sets SET dropped_at = $2
         WHERE split_id = $1 AND version < 0 AND dropped_at IS NULL",
        split,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub struct NewSet<'a> {
    pub id: Uuid,
    pub split: Uuid,
    pub based_on: Uuid,
    pub reason: &'a str,
    pub by: Uuid,
}

pub async fn insert(
    conn: &mut PgConnection,
    new: &NewSet<'_>,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO tracks.reference_sets (id, split_id, version, created_at, based_on, reason, created_by)
         SELECT $1, $2, least(min(version), 0) - 1, $3, $4, $5, $6 FROM tracks.reference_sets WHERE split_id = $2",
        new.id,
        new.split,
        now,
        new.based_on,
        new.reason,
        new.by,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn insert_reference(
    conn: &mut PgConnection,
    id: Uuid,
    set: Uuid,
    case: Uuid,
    content: &Content,
) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO tracks.case_references (id, reference_set_id, case_id, object_key, size_bytes, sha256, state)
         VALUES ($1, $2, $3, $4, $5, $6, 'announced')",
        id,
        set,
        case,
        content.key,
        content.size_bytes,
        content.sha256,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes over the references of all cases that the set has none of: the same objects under new ids.
pub async fn share(conn: &mut PgConnection, from: Uuid, to: Uuid) -> sqlx::Result<u64> {
    let shared = sqlx::query!(
        "INSERT INTO tracks.case_references
             (id, reference_set_id, case_id, object_key, size_bytes, sha256, state, stored_at)
         SELECT gen_random_uuid(), $2, r.case_id, r.object_key, r.size_bytes, r.sha256, r.state, r.stored_at
         FROM tracks.case_references r JOIN tracks.cases c ON c.id = r.case_id AND c.state <> 'removed'
         WHERE r.reference_set_id = $1 AND r.state = 'stored' AND NOT EXISTS (
             SELECT FROM tracks.case_references o WHERE o.reference_set_id = $2 AND o.case_id = r.case_id)",
        from,
        to,
    )
    .execute(conn)
    .await?;
    Ok(shared.rows_affected())
}

#[derive(Debug, Clone)]
pub struct Correction {
    pub id: Uuid,
    pub split_id: Uuid,
    pub challenge_id: Uuid,
    pub version: i32,
    pub based_on: Uuid,
    pub based_on_version: i32,
    pub reason: String,
    pub created_by: Option<String>,
    pub created_at: DateTime<Utc>,
    pub accepted_at: Option<DateTime<Utc>>,
    pub dropped_at: Option<DateTime<Utc>>,
}

pub async fn list(
    db: impl PgExecutor<'_>,
    id: Option<Uuid>,
    split: Option<Uuid>,
) -> sqlx::Result<Vec<Correction>> {
    sqlx::query_as!(
        Correction,
        r#"SELECT s.id, s.split_id, t.challenge_id, s.version, b.id AS based_on, b.version AS based_on_version,
                  s.reason AS "reason!", o.name AS "created_by?", s.created_at, s.accepted_at, s.dropped_at
           FROM tracks.reference_sets s
           JOIN tracks.reference_sets b ON b.id = s.based_on
           JOIN tracks.splits p ON p.id = s.split_id
           JOIN tracks.tracks t ON t.id = p.track_id
           LEFT JOIN registration.challenge_organizers o
               ON o.challenge_id = t.challenge_id AND o.user_id = s.created_by
           WHERE ($1::uuid IS NULL OR s.id = $1) AND ($2::uuid IS NULL OR s.split_id = $2)
           ORDER BY s.id DESC"#,
        id,
        split,
    )
    .fetch_all(db)
    .await
}

#[derive(Debug, Clone)]
pub struct Case {
    pub name: String,
    pub before_sha256: Option<String>,
    pub sha256: String,
    pub is_stored: bool,
    pub is_good: Option<bool>,
    pub complaint: Option<String>,
}

/// The cases of which the reference is another than before.
pub async fn cases(db: impl PgExecutor<'_>, of: &Correction) -> sqlx::Result<Vec<Case>> {
    sqlx::query_as!(
        Case,
        r#"SELECT c.name, b.sha256 AS "before_sha256?", r.sha256, r.state = 'stored' AS "is_stored!",
                  f.is_good AS "is_good?", f.complaint
           FROM tracks.case_references r
           JOIN tracks.cases c ON c.id = r.case_id AND c.state <> 'removed'
           LEFT JOIN tracks.case_references b ON b.reference_set_id = $2 AND b.case_id = r.case_id
           LEFT JOIN scoring.reference_facts f ON f.reference_id = r.id
           WHERE r.reference_set_id = $1 AND b.sha256 IS DISTINCT FROM r.sha256
           ORDER BY c.name"#,
        of.id,
        of.based_on,
    )
    .fetch_all(db)
    .await
}

/// References of a set that were not read and found good.
pub async fn unread(db: impl PgExecutor<'_>, set: Uuid) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"SELECT count(*) AS "n!" FROM tracks.case_references r
           JOIN tracks.cases c ON c.id = r.case_id AND c.state <> 'removed'
           LEFT JOIN scoring.reference_facts f ON f.reference_id = r.id
           WHERE r.reference_set_id = $1 AND (r.state <> 'stored' OR f.is_good IS NOT TRUE)"#,
        set,
    )
    .fetch_one(db)
    .await
}

/// Of the corrected references those that were announced; returns their ids.
pub async fn mark_stored(
    conn: &mut PgConnection,
    set: Uuid,
    now: DateTime<Utc>,
) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar!(
        "UPDATE tracks.case_references SET state = 'stored', stored_at = $2
         WHERE reference_set_id = $1 AND state = 'announced' RETURNING id",
        set,
        now,
    )
    .fetch_all(conn)
    .await
}

/// Makes it the newest version; returns which.
pub async fn accept(
    conn: &mut PgConnection,
    of: &Correction,
    by: Uuid,
    now: DateTime<Utc>,
) -> sqlx::Result<i32> {
    sqlx::query_scalar!(
        "UPDATE tracks.reference_sets SET version = $2, accepted_by = $3, accepted_at = $4
         WHERE id = $1 AND version < 0 AND dropped_at IS NULL RETURNING version",
        of.id,
        of.based_on_version + 1,
        by,
        now,
    )
    .fetch_one(conn)
    .await
}
