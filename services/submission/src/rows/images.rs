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

/// After its object was put. False where another was faster.
pub async fn insert_layer(
    db: impl PgExecutor<'_>,
    layer: &PackedLayer,
    object_key: &str,
    now: DateTime<Utc>,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
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
    Ok(done.rows_affected() == 1)
}

pub struct Config<'a> {
    pub digest: &'a str,
    pub object_key: &'a str,
    pub size_bytes: u64,
}

/// After all its layers were; fails on one that is not stored. False where another was faster.
pub async fn insert(
    conn: &mut PgConnection,
    config: &Config<'_>,
    diff_ids: &[String],
    now: DateTime<Utc>,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
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
    Ok(done.rows_affected() == 1)
}

/// Images that no accepted submission has, but withdrawn and cancelled ones, and that nothing runs. Returns the keys
/// of their configs.
pub async fn remove_spare(
    conn: &mut PgConnection,
    stored_before: DateTime<Utc>,
    limit: i64,
) -> sqlx::Result<Vec<String>> {
    let spare = sqlx::query!(
        "SELECT i.digest, i.config_key FROM submission.images i
         WHERE i.stored_at < $1 AND NOT EXISTS (
             SELECT FROM submission.uploads u JOIN submission.submissions s ON s.id = u.submission_id
             WHERE u.image_digest = i.digest AND u.state = 'accepted' AND (
                 (s.withdrawn_at IS NULL AND s.cancelled_at IS NULL)
                 OR EXISTS (SELECT FROM execution.attempt_facts a
                            WHERE a.submission_id = s.id AND a.state IN ('queued', 'running'))))
         ORDER BY i.stored_at LIMIT $2 FOR UPDATE OF i SKIP LOCKED",
        stored_before,
        limit,
    )
    .fetch_all(&mut *conn)
    .await?;
    let digests: Vec<String> = spare.iter().map(|image| image.digest.clone()).collect();
    sqlx::query!(
        "DELETE FROM submission.image_layers WHERE image_digest = ANY($1)",
        &digests,
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "DELETE FROM submission.images WHERE digest = ANY($1)",
        &digests
    )
    .execute(conn)
    .await?;
    Ok(spare.into_iter().map(|image| image.config_key).collect())
}

/// Layers of no image. One that a check is about to count on is locked by it and passed over.
pub async fn remove_spare_layers(
    db: impl PgExecutor<'_>,
    stored_before: DateTime<Utc>,
    limit: i64,
) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        "DELETE FROM submission.layers WHERE diff_id IN (
             SELECT l.diff_id FROM submission.layers l
             WHERE l.stored_at < $1
               AND NOT EXISTS (SELECT FROM submission.image_layers i WHERE i.diff_id = l.diff_id)
             ORDER BY l.stored_at LIMIT $2 FOR UPDATE OF l SKIP LOCKED)
         RETURNING object_key",
        stored_before,
        limit,
    )
    .fetch_all(db)
    .await
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
