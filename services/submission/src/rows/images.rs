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

/// Images that no accepted submission has, but withdrawn, cancelled and removed ones, and that nothing runs. Their
/// configs are doomed.
pub async fn remove_spare(
    conn: &mut PgConnection,
    spare: &Spares,
    now: DateTime<Utc>,
) -> sqlx::Result<u64> {
    let seen = sqlx::query_scalar!(
        "SELECT i.digest FROM submission.images i
         WHERE i.stored_at < $1 AND NOT EXISTS (
             SELECT FROM submission.needed_images n WHERE n.image_digest = i.digest)
         ORDER BY i.stored_at LIMIT $2 FOR UPDATE OF i SKIP LOCKED",
        spare.stored_before,
        spare.limit,
    )
    .fetch_all(&mut *conn)
    .await?;
    // Accepted with such an image since that look, a submission may have lost its archive to it: look again, now that
    // nobody drops an archive for these any more.
    let digests = sqlx::query_scalar!(
        "SELECT i.digest FROM submission.images i
         WHERE i.digest = ANY($1) AND NOT EXISTS (
             SELECT FROM submission.needed_images n WHERE n.image_digest = i.digest)",
        &seen,
    )
    .fetch_all(&mut *conn)
    .await?;
    sqlx::query!(
        "DELETE FROM submission.image_layers WHERE image_digest = ANY($1)",
        &digests,
    )
    .execute(&mut *conn)
    .await?;
    let doomed = sqlx::query!(
        "WITH gone AS (
             DELETE FROM submission.images WHERE digest = ANY($1) RETURNING config_key, config_size_bytes)
         INSERT INTO submission.doomed_layers (object_key, size_bytes, removal_id, doomed_at)
         SELECT config_key, config_size_bytes, $2, $3 FROM gone",
        &digests,
        spare.removal,
        now,
    )
    .execute(conn)
    .await?;
    Ok(doomed.rows_affected())
}

/// Which rows go that nobody needs.
pub struct Spares {
    pub stored_before: DateTime<Utc>,
    pub limit: i64,
    /// For the sake of which, where it is for one.
    pub removal: Option<uuid::Uuid>,
}

/// Layers of no image; their objects are doomed. One that a check is about to count on is locked by it and passed over.
pub async fn remove_spare_layers(
    db: impl PgExecutor<'_>,
    spare: &Spares,
    now: DateTime<Utc>,
) -> sqlx::Result<u64> {
    let doomed = sqlx::query!(
        "WITH gone AS (
             DELETE FROM submission.layers WHERE diff_id IN (
                 SELECT l.diff_id FROM submission.layers l
                 WHERE l.stored_at < $1
                   AND NOT EXISTS (SELECT FROM submission.image_layers i WHERE i.diff_id = l.diff_id)
                 ORDER BY l.stored_at LIMIT $2 FOR UPDATE OF l SKIP LOCKED)
             RETURNING object_key, size_bytes)
         INSERT INTO submission.doomed_layers (object_key, size_bytes, removal_id, doomed_at)
         SELECT object_key, size_bytes, $3, $4 FROM gone",
        spare.stored_before,
        spare.limit,
        spare.removal,
        now,
    )
    .execute(db)
    .await?;
    Ok(doomed.rows_affected())
}

/// Keys of objects whose rows are gone, after one.
pub async fn doomed(db: impl PgExecutor<'_>, after: &str, limit: i64) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        "SELECT object_key FROM submission.doomed_layers WHERE object_key > $1 ORDER BY object_key LIMIT $2",
        after,
        limit,
    )
    .fetch_all(db)
    .await
}

/// The store has said that they are gone. Counts each once to its removal.
pub async fn forget_doomed(conn: &mut PgConnection, keys: &[String]) -> sqlx::Result<u64> {
    let gone = sqlx::query!(
        "DELETE FROM submission.doomed_layers WHERE object_key = ANY($1) RETURNING removal_id, size_bytes",
        keys,
    )
    .fetch_all(&mut *conn)
    .await?;
    let removals: Vec<_> = gone.iter().filter_map(|row| row.removal_id).collect();
    let sizes: Vec<_> = gone
        .iter()
        .filter(|row| row.removal_id.is_some())
        .map(|row| row.size_bytes)
        .collect();
    sqlx::query!(
        "UPDATE submission.removals r SET files = r.files + n.files, size_bytes = r.size_bytes + n.size_bytes
         FROM (SELECT id, count(*) AS files, sum(size)::bigint AS size_bytes
               FROM unnest($1::uuid[], $2::bigint[]) AS g (id, size) GROUP BY id) n
         WHERE r.id = n.id",
        &removals,
        &sizes,
    )
    .execute(conn)
    .await?;
    Ok(gone.len() as u64)
}

/// An accepted archive whose image is stored by its layers.
pub struct Spare {
    pub submission_id: uuid::Uuid,
    pub object_key: String,
}

/// Holds their images until the transaction ends: none goes whose archive goes. One that is about to go is passed over.
pub async fn spare_archives(
    conn: &mut PgConnection,
    after: uuid::Uuid,
    limit: i64,
) -> sqlx::Result<Vec<Spare>> {
    sqlx::query_as!(
        Spare,
        "SELECT u.submission_id, u.object_key FROM submission.uploads u
         JOIN submission.images i ON i.digest = u.image_digest
         WHERE u.state = 'accepted' AND u.image_digest IS NOT NULL AND u.archive_removed_at IS NULL
           AND u.removal_id IS NULL AND u.submission_id > $1
         ORDER BY u.submission_id LIMIT $2 FOR SHARE OF i SKIP LOCKED",
        after,
        limit,
    )
    .fetch_all(conn)
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
