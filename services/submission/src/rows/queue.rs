//! `execution.queue_places`: where an attempt stands.

use chrono::{DateTime, Utc};
use sqlx::PgExecutor;
use uuid::Uuid;

#[derive(Debug, Clone)]
pub struct Place {
    pub device_class: String,
    pub is_served: bool,
    pub place: Option<i32>,
    pub expected_start_at: Option<DateTime<Utc>>,
    pub remaining: i32,
}

/// `None` for an attempt that has ended, or that nobody looked at yet.
pub async fn find(db: impl PgExecutor<'_>, attempt: Uuid) -> sqlx::Result<Option<Place>> {
    sqlx::query_as!(
        Place,
        r#"SELECT device_class AS "device_class!", is_served AS "is_served!", place, expected_start_at,
                  remaining AS "remaining!"
           FROM execution.queue_places WHERE attempt_id = $1"#,
        attempt,
    )
    .fetch_optional(db)
    .await
}
