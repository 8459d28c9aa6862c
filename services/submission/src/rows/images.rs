//! `submission.layers`, `submission.images` and which layers an image has. Rows are content: nobody
//! changes one, and who comes second with the same finds it there.

use chrono::{DateTime, Utc};
use molar_sandbox::image::PackedLayer;
use sqlx::{PgConnection, PgExecutor};

pub async fn is_stored(db: impl PgExecutor<'_>, image: &str) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT 1 FROM submission.images WHERE digest = $1) AS "is_stored!""#,
        image,
    )
    .fetch_one(db)
    .await
}

/// Those of `diff_ids` that are stored.
pub async fn known_layers(
    db: impl PgExecutor<'_>,
    diff_ids: &[String],
) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        "SELECT diff_id FROM submission.layers WHERE diff_id = ANY($1)",
        diff_ids,
    )
    .fetch_all(db)
    .await
}

/// After its object was put.
pub async fn insert_layer(
    db: impl PgExecutor<'_>,
    layer: &PackedLayer,
    object_key: &str,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO submission.layers (diff_id, object_key, size_bytes, sha256, unpacked_bytes, stored_at)
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
        layer.diff_id,
        object_key,
        i64::try_from(layer.size_bytes).unwrap_or(i64::MAX),
        layer.sha256,
        i64::try_from(layer.unpacked_bytes).unwrap_or(i64::MAX),
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

pub struct Config<'a> {
    pub digest: &'a str,
    pub object_key: &'a str,
    pub size_bytes: u64,
}

/// After all its layers were; fails on one that is not stored.
pub async fn insert(
    conn: &mut PgConnection,
    config: &Config<'_>,
    diff_ids: &[String],
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO submission.images (digest, config_key, config_size_bytes, stored_at)
         VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
        config.digest,
        config.object_key,
        i64::try_from(config.size_bytes).unwrap_or(i64::MAX),
        now,
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "INSERT INTO submission.image_layers (image_digest, position, diff_id)
         SELECT $1, (number - 1)::int, diff_id FROM unnest($2::text[]) WITH ORDINALITY AS l (diff_id, number)
         ON CONFLICT DO NOTHING",
        config.digest,
        diff_ids,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// An accepted archive whose image is stored by its layers.
pub struct Spare {
    pub submission_id: uuid::Uuid,
    pub object_key: String,
}

pub async fn spare_archives(db: impl PgExecutor<'_>, limit: i64) -> sqlx::Result<Vec<Spare>> {
    sqlx::query_as!(
        Spare,
        "SELECT u.submission_id, u.object_key FROM submission.uploads u
         JOIN submission.images i ON i.digest = u.image_digest
         WHERE u.state = 'accepted' AND u.image_digest IS NOT NULL AND u.archive_removed_at IS NULL
         ORDER BY u.submission_id LIMIT $1",
        limit,
    )
    .fetch_all(db)
    .await
}

pub async fn note_removed(
    db: impl PgExecutor<'_>,
    submission: uuid::Uuid,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE submission.uploads SET archive_removed_at = $2 WHERE submission_id = $1",
        submission,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// What the check saw of an image, as it was stored with the verdict, but that only layers of accepted images that
/// its team brought before are known: which ones others have brought is not told.
pub async fn report(
    db: impl PgExecutor<'_>,
    submission: uuid::Uuid,
) -> sqlx::Result<Option<serde_json::Value>> {
    sqlx::query_scalar!(
        r#"SELECT jsonb_set(u.image_report, '{known}', (
               SELECT COALESCE(jsonb_agg(DISTINCT layer->'diff_id'), '[]')
               FROM submission.submissions o
               JOIN submission.uploads e ON e.submission_id = o.id
               CROSS JOIN jsonb_array_elements(e.image_report->'layers') layer
               WHERE o.team_id = s.team_id AND o.id <> s.id AND e.state = 'accepted' AND e.decided_at <= u.decided_at
                 AND u.image_report->'known' @> (layer->'diff_id')
           )) AS "report?"
           FROM submission.uploads u JOIN submission.submissions s ON s.id = u.submission_id
           WHERE u.submission_id = $1"#,
        submission,
    )
    .fetch_one(db)
    .await
}
