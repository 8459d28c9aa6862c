//! Messages that a queue of this role has already seen.
//!
//! The names are unqualified: the pool's `search_path` is the role's own schema.

use chrono::{DateTime, Utc};
use sqlx::PgExecutor;
use uuid::Uuid;

/// Notes a delivery and says whether it is the first of its message to this queue.
pub async fn receive(
    db: impl PgExecutor<'_>,
    queue: &str,
    message_id: Uuid,
    now: DateTime<Utc>,
) -> sqlx::Result<bool> {
    sqlx::query_scalar(
        "INSERT INTO inbox AS seen (queue, message_id, received_at) VALUES ($1, $2, $3)
         ON CONFLICT (queue, message_id) DO UPDATE SET deliveries = seen.deliveries + 1
         RETURNING deliveries = 1",
    )
    .bind(queue)
    .bind(message_id)
    .bind(now)
    .fetch_one(db)
    .await
}

#[expect(
    clippy::disallowed_methods,
    reason = "the schema is the role's, chosen at run time"
)]
pub async fn delete_received_before(
    db: impl PgExecutor<'_>,
    before: DateTime<Utc>,
) -> sqlx::Result<u64> {
    let deleted = sqlx::query("DELETE FROM inbox WHERE received_at < $1")
        .bind(before)
        .execute(db)
        .await?;
    Ok(deleted.rows_affected())
}
