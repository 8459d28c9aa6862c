//! `GET /api/v1/workers`

use actix_web::web;
use chrono::{DateTime, Utc};
use molar_web_kit::{ApiError, Kit, Page, PageQuery};
use serde::Serialize;
use sqlx::PgExecutor;
use uuid::Uuid;

use crate::rows::workers::SILENCE;

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = WorkerItem)]
pub struct Item {
    pub id: Uuid,
    pub name: String,
    pub device_class: String,
    pub slots: i16,
    /// Slots whose GPU can take a case now.
    pub gpus: i16,
    pub slot_memory_bytes: i64,
    /// What times are measured on.
    pub device: serde_json::Value,
    pub enrolled_at: DateTime<Utc>,
    pub last_seen_at: DateTime<Utc>,
    /// Beats, and may claim.
    pub is_live: bool,
    pub is_draining: bool,
    pub revoked_at: Option<DateTime<Utc>>,
    /// Case runs that it holds.
    pub running: i64,
}

/// All workers that ever enrolled.
#[utoipa::path(get, path = "/api/v1/workers", tag = "execution", params(PageQuery),
    responses((status = 200, body = Page<Item>)))]
#[tracing::instrument(name = "workers.list", skip_all)]
pub async fn list(
    kit: web::Data<Kit>,
    query: web::Query<PageQuery>,
) -> Result<web::Json<Page<Item>>, ApiError> {
    let items = items(&kit.db, kit.clock.now(), query.after(), query.fetch()).await?;
    Ok(web::Json(Page::of(items, &query, |item| item.id)))
}

/// In the order of their enrolment.
pub async fn items(
    db: impl PgExecutor<'_>,
    now: DateTime<Utc>,
    after: Option<Uuid>,
    limit: i64,
) -> sqlx::Result<Vec<Item>> {
    sqlx::query_as!(
        Item,
        r#"SELECT w.id, w.name, w.device_class, w.slots, w.gpus, w.slot_memory_bytes, w.device, w.enrolled_at, w.last_seen_at,
                  w.revoked_at IS NULL AND NOT w.is_draining AND w.last_seen_at > $1 AS "is_live!",
                  w.is_draining, w.revoked_at,
                  (SELECT count(*) FROM execution.case_runs r WHERE r.worker_id = w.id AND r.state = 'running') AS "running!"
           FROM execution.workers w WHERE $2::uuid IS NULL OR w.id > $2 ORDER BY w.id LIMIT $3"#,
        now - SILENCE,
        after,
        limit,
    )
    .fetch_all(db)
    .await
}
