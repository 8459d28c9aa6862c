use chrono::{DateTime, Utc};
use molar_contracts::{Announcement, VERSION};
use molar_domain::uuid_at;
use prost::Message;
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use crate::trace;

/// A message that waits for the relay.
#[derive(Debug, sqlx::FromRow)]
pub(super) struct Pending {
    pub id: i64,
    pub message_id: Uuid,
    pub routing_key: String,
    pub body: Vec<u8>,
    pub trace_parent: Option<String>,
}

/// Announces, once the caller's transaction commits, that `routing_key` happened to `subject_id`.
pub async fn announce(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    routing_key: &str,
    subject_id: Uuid,
    phase_id: Option<Uuid>,
) -> sqlx::Result<()> {
    let announcement = Announcement {
        version: VERSION,
        subject_id: subject_id.to_string(),
        phase_id: phase_id.map(|id| id.to_string()).unwrap_or_default(),
    };
    enqueue(conn, now, routing_key, &announcement.encode_to_vec()).await
}

/// Sends any message once the caller's transaction commits.
#[expect(
    clippy::disallowed_methods,
    reason = "the schema is the role's, chosen at run time"
)]
pub async fn enqueue(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    routing_key: &str,
    body: &[u8],
) -> sqlx::Result<()> {
    // The notification wakes the relay; PostgreSQL sends it at commit and folds duplicates into one.
    sqlx::query(
        "WITH message AS (
            INSERT INTO outbox (message_id, routing_key, body, trace_parent, created_at)
            VALUES ($1, $2, $3, $4, $5)
        )
        SELECT pg_notify('outbox_' || current_schema(), '')",
    )
    .bind(uuid_at(now))
    .bind(routing_key)
    .bind(body)
    .bind(trace::current().map(|trace| trace.to_string()))
    .bind(now)
    .execute(conn)
    .await?;
    Ok(())
}

/// Locks up to `limit` messages behind `after` that nobody else is sending.
pub(super) async fn lock_pending(
    conn: &mut PgConnection,
    after: i64,
    limit: i64,
) -> sqlx::Result<Vec<Pending>> {
    sqlx::query_as(
        "SELECT id, message_id, routing_key, body, trace_parent FROM outbox
         WHERE published_at IS NULL AND id > $1
         ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED",
    )
    .bind(after)
    .bind(limit)
    .fetch_all(conn)
    .await
}

#[expect(
    clippy::disallowed_methods,
    reason = "the schema is the role's, chosen at run time"
)]
pub(super) async fn mark_published(
    conn: &mut PgConnection,
    ids: &[i64],
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query("UPDATE outbox SET published_at = $2 WHERE id = ANY($1)")
        .bind(ids)
        .bind(now)
        .execute(conn)
        .await?;
    Ok(())
}

/// How long the oldest unpublished message has waited; zero when none waits.
pub async fn age_of_oldest_s(db: impl PgExecutor<'_>, now: DateTime<Utc>) -> sqlx::Result<f64> {
    sqlx::query_scalar(
        "SELECT COALESCE(GREATEST(EXTRACT(EPOCH FROM $1 - min(created_at)), 0), 0)::float8
         FROM outbox WHERE published_at IS NULL",
    )
    .bind(now)
    .fetch_one(db)
    .await
}

#[expect(
    clippy::disallowed_methods,
    reason = "the schema is the role's, chosen at run time"
)]
pub async fn delete_published_before(
    db: impl PgExecutor<'_>,
    before: DateTime<Utc>,
) -> sqlx::Result<u64> {
    let deleted = sqlx::query("DELETE FROM outbox WHERE published_at < $1")
        .bind(before)
        .execute(db)
        .await?;
    Ok(deleted.rows_affected())
}
