//! `GET /api/v1/workers`

use actix_web::web;
use chrono::{DateTime, Utc};
use molar_domain::worker_api::Device;
use molar_web_kit::{ApiError, Kit, Page, PageQuery};
use serde::Serialize;
use sqlx::PgPool;
use uuid::Uuid;

use crate::Result;
use crate::rows::workers::{SILENCE, described_classes};

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
    /// In which it is not what a challenge says of its device class, each as a sentence.
    pub differences: Vec<String>,
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
    db: &PgPool,
    now: DateTime<Utc>,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Item>> {
    let mut items = sqlx::query_as!(
        Item,
        r#"SELECT w.id, w.name, w.device_class, w.slots, w.gpus, w.slot_memory_bytes, w.device, w.enrolled_at, w.last_seen_at,
                  w.revoked_at IS NULL AND NOT w.is_draining AND w.last_seen_at > $1 AS "is_live!",
                  w.is_draining, w.revoked_at,
                  (SELECT count(*) FROM execution.case_runs r WHERE r.worker_id = w.id AND r.state = 'running') AS "running!",
                  '{}'::text[] AS "differences!"
           FROM execution.workers w WHERE $2::uuid IS NULL OR w.id > $2 ORDER BY w.id LIMIT $3"#,
        now - SILENCE,
        after,
        limit,
    )
    .fetch_all(db)
    .await?;
    compare(db, &mut items).await?;
    Ok(items)
}

/// Holds each worker that still has its key against every description of its class.
async fn compare(db: &PgPool, items: &mut [Item]) -> Result<()> {
    let classes = described_classes(db).await?;
    for item in items.iter_mut().filter(|item| item.revoked_at.is_none()) {
        // A device that an older version wrote has its gaps filled; one that is no device tells nothing.
        let device: Device = serde_json::from_value(item.device.clone()).unwrap_or_default();
        let memory = u64::try_from(item.slot_memory_bytes).unwrap_or_default();
        for (challenge, class) in classes.iter().filter(|(_, c)| c.slug == item.device_class) {
            let name = &class.slug;
            let found = class.differences(&device, memory).into_iter();
            let sentence = |what| format!("{what}, which {challenge} says of its class {name}");
            item.differences.extend(found.map(sentence));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use actix_web::test::{TestRequest, call_and_read_body_json};
    use molar_web_kit::testing::{app, organizer};
    use serde_json::{Value, json};
    use sqlx::PgPool;

    use crate::routes;
    use crate::testing::World;

    async fn differences(world: &World) -> Value {
        let olga = organizer(&world.pool, "Olga", world.challenge.id).await;
        let state = world.state.clone();
        let app = app(world.kit.clone(), routes(), |config| {
            config.app_data(state);
        })
        .await;
        let request = TestRequest::get()
            .uri("/api/v1/workers")
            .insert_header(olga.bearer());
        let page: Value = call_and_read_body_json(&app, request.to_request()).await;
        page["items"][0]["differences"].clone()
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_worker_that_is_not_what_its_class_promises_is_told_of(pool: PgPool) {
        let world = World::new(pool).await;
        let describe = async |slug: &str, description: Value| {
            sqlx::query!(
                "INSERT INTO tracks.device_classes (challenge_id, slug, description) VALUES ($1, $2, $3)",
                world.challenge.id.0,
                slug,
                description,
            )
            .execute(&world.pool)
            .await
            .unwrap();
        };
        assert_eq!(differences(&world).await, json!([]));
        describe("gpu", json!({"slug": "gpu", "driver": "535.104.05"})).await;
        assert_eq!(differences(&world).await, json!([]));
        let cpu = json!({"slug": "cpu", "cpu": "of a test", "cores": 8, "gpu": "A100"});
        describe("cpu", cpu).await;
        assert_eq!(
            differences(&world).await,
            json!([
                "GPU is none, not A100, which teeth says of its class cpu",
                "cores of a slot is 1, not 8, which teeth says of its class cpu",
            ])
        );
    }
}
