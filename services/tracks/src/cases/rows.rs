//! Cases and the newest set of references of a split.

use chrono::{DateTime, Utc};
use molar_domain::uuid_at;
use sqlx::PgConnection;
use uuid::Uuid;

#[derive(Debug, Clone)]
pub struct Case {
    pub id: Uuid,
    pub name: String,
    pub image_key: String,
    pub image_name: String,
    pub size_bytes: i64,
    pub sha256: String,
    pub is_stored: bool,
}

/// What an image says of itself, or why it says nothing.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Seen {
    /// `[height, width]` or `[x, y, z]`. None of an image that asks to be turned: some readers do.
    pub shape: Option<Vec<i32>>,
    pub spacing_mm: Option<Vec<f64>>,
    pub affine: Option<Vec<f64>>,
    pub complaint: Option<String>,
}

/// The reference of a case in the newest set.
#[derive(Debug, Clone)]
pub struct Reference {
    pub case_id: Uuid,
    pub sha256: String,
    pub is_stored: bool,
    /// None until it was read.
    pub is_good: Option<bool>,
}

pub async fn by_name(
    conn: &mut PgConnection,
    split: Uuid,
    names: &[String],
) -> sqlx::Result<Vec<Case>> {
    sqlx::query_as!(
        Case,
        r#"SELECT id, name, image_key, image_name, size_bytes, sha256,
                  (state = 'stored') AS "is_stored!"
           FROM tracks.cases WHERE split_id = $1 AND name = ANY($2) AND state <> 'removed'"#,
        split,
        names,
    )
    .fetch_all(conn)
    .await
}

/// Makes an announced case, or changes one that is not stored yet.
pub async fn announce(
    conn: &mut PgConnection,
    split: Uuid,
    bucket: &str,
    case: &Case,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO tracks.cases AS c
             (id, split_id, name, image_bucket, image_key, image_name, size_bytes, sha256, state, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'announced', $9)
         ON CONFLICT (id) DO UPDATE SET image_key = excluded.image_key,
             image_name = excluded.image_name, size_bytes = excluded.size_bytes,
             sha256 = excluded.sha256
         WHERE c.state = 'announced'",
        case.id,
        split,
        case.name,
        bucket,
        case.image_key,
        case.image_name,
        case.size_bytes,
        case.sha256,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Makes a stored case one that is announced, for another image.
pub async fn withdraw_image(conn: &mut PgConnection, case: Uuid) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE tracks.cases SET state = 'announced', stored_at = NULL, shape = NULL, spacing_mm = NULL,
                affine = NULL, image_complaint = NULL
         WHERE id = $1 AND state = 'stored'",
        case
    )
    .execute(conn)
    .await?;
    Ok(())
}

#[derive(Debug, Clone, Copy)]
pub struct ReferenceSet {
    pub id: Uuid,
    pub version: i32,
}

pub async fn newest_set(
    conn: &mut PgConnection,
    split: Uuid,
) -> sqlx::Result<Option<ReferenceSet>> {
    sqlx::query_as!(
        ReferenceSet,
        "SELECT id, version FROM tracks.reference_sets WHERE split_id = $1
         ORDER BY version DESC LIMIT 1",
        split
    )
    .fetch_optional(conn)
    .await
}

/// The next version: with the references of the one before, as far as they were not found bad.
pub async fn next_set(
    conn: &mut PgConnection,
    split: Uuid,
    before: Option<ReferenceSet>,
    now: DateTime<Utc>,
) -> sqlx::Result<ReferenceSet> {
    let set = ReferenceSet {
        id: uuid_at(now),
        version: before.map_or(0, |set| set.version) + 1,
    };
    sqlx::query!(
        "INSERT INTO tracks.reference_sets (id, split_id, version, created_at)
         VALUES ($1, $2, $3, $4)",
        set.id,
        split,
        set.version,
        now,
    )
    .execute(&mut *conn)
    .await?;
    if let Some(before) = before {
        sqlx::query!(
            "INSERT INTO tracks.case_references
                 (id, reference_set_id, case_id, object_key, size_bytes, sha256, state, stored_at)
             SELECT gen_random_uuid(), $2, r.case_id, r.object_key, r.size_bytes, r.sha256, r.state, r.stored_at
             FROM tracks.case_references r
             JOIN tracks.cases c ON c.id = r.case_id AND c.state <> 'removed'
             WHERE r.reference_set_id = $1 AND NOT EXISTS (
                 SELECT FROM scoring.reference_facts f WHERE f.reference_id = r.id AND NOT f.is_good)",
            before.id,
            set.id,
        )
        .execute(conn)
        .await?;
    }
    Ok(set)
}

pub async fn references(
    conn: &mut PgConnection,
    set: Uuid,
    names: &[String],
) -> sqlx::Result<Vec<Reference>> {
    sqlx::query_as!(
        Reference,
        r#"SELECT r.case_id, r.sha256, (r.state = 'stored') AS "is_stored!",
                  f.is_good AS "is_good?"
           FROM tracks.case_references r
           JOIN tracks.cases c ON c.id = r.case_id
           LEFT JOIN scoring.reference_facts f ON f.reference_id = r.id
           WHERE r.reference_set_id = $1 AND c.name = ANY($2) AND c.state <> 'removed'"#,
        set,
        names,
    )
    .fetch_all(conn)
    .await
}

pub struct NewReference<'a> {
    pub set: Uuid,
    pub case: Uuid,
    pub key: &'a str,
    pub size_bytes: i64,
    pub sha256: &'a str,
}

/// As for cases: what is stored stays as it is.
pub async fn announce_reference(
    conn: &mut PgConnection,
    new: &NewReference<'_>,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO tracks.case_references AS r
             (id, reference_set_id, case_id, object_key, size_bytes, sha256, state)
         VALUES ($1, $2, $3, $4, $5, $6, 'announced')
         ON CONFLICT ON CONSTRAINT case_references_once DO UPDATE SET object_key = excluded.object_key,
             size_bytes = excluded.size_bytes, sha256 = excluded.sha256
         WHERE r.state = 'announced'",
        uuid_at(now),
        new.set,
        new.case,
        new.key,
        new.size_bytes,
        new.sha256,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Marks what is announced of these cases as stored, with what was seen in their images; returns the
/// references among it.
pub async fn mark_stored(
    conn: &mut PgConnection,
    split: Uuid,
    cases: &[(Uuid, Option<Seen>)],
    now: DateTime<Utc>,
) -> sqlx::Result<Vec<Uuid>> {
    for (case, seen) in cases {
        // One that was stored before was looked at then.
        let Some(seen) = seen else { continue };
        sqlx::query!(
            "UPDATE tracks.cases SET state = 'stored', stored_at = $2, shape = $3, spacing_mm = $4,
                    affine = $5, image_complaint = $6
             WHERE id = $1 AND state = 'announced'",
            case,
            now,
            seen.shape.as_deref(),
            seen.spacing_mm.as_deref(),
            seen.affine.as_deref(),
            seen.complaint,
        )
        .execute(&mut *conn)
        .await?;
    }
    let ids: Vec<Uuid> = cases.iter().map(|(case, _)| *case).collect();
    sqlx::query_scalar!(
        "UPDATE tracks.case_references r SET state = 'stored', stored_at = $3
         WHERE r.case_id = ANY($2) AND r.state = 'announced' AND r.reference_set_id =
             (SELECT s.id FROM tracks.reference_sets s WHERE s.split_id = $1
              ORDER BY s.version DESC LIMIT 1)
         RETURNING r.id",
        split,
        &ids,
        now,
    )
    .fetch_all(conn)
    .await
}
