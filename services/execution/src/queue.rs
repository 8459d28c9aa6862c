//! `GET /api/v1/queue`

use actix_web::web;
use chrono::{DateTime, Utc};
use molar_web_kit::{ApiError, Kit};
use serde::Serialize;
use sqlx::PgExecutor;

use crate::rows::workers::SILENCE;

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Queue {
    pub classes: Vec<Class>,
}

/// A class of devices: who waits, and who serves.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = QueueOfClass)]
pub struct Class {
    pub device_class: String,
    pub live_workers: i64,
    pub live_slots: i64,
    /// Case runs by state.
    pub waiting: i64,
    pub released: i64,
    pub running: i64,
    /// Since when the attempt that has waited longest has not begun.
    pub oldest_queued_at: Option<DateTime<Utc>>,
}

/// How long the line of containers is, by class of devices.
#[utoipa::path(get, path = "/api/v1/queue", tag = "execution", responses((status = 200, body = Queue)))]
#[tracing::instrument(name = "queue.find", skip_all)]
pub async fn find(kit: web::Data<Kit>) -> Result<web::Json<Queue>, ApiError> {
    let classes = classes(&kit.db, kit.clock.now()).await?;
    Ok(web::Json(Queue { classes }))
}

/// Every class that has workers or work.
pub async fn classes(db: impl PgExecutor<'_>, now: DateTime<Utc>) -> sqlx::Result<Vec<Class>> {
    sqlx::query_as!(
        Class,
        r#"SELECT c.device_class AS "device_class!",
                  COALESCE(w.workers, 0) AS "live_workers!", COALESCE(w.slots, 0) AS "live_slots!",
                  COALESCE(r.waiting, 0) AS "waiting!", COALESCE(r.released, 0) AS "released!", COALESCE(r.running, 0) AS "running!",
                  (SELECT min(a.created_at) FROM execution.attempts a
                   WHERE a.state = 'queued' AND a.device_class = c.device_class) AS oldest_queued_at
           FROM (SELECT device_class FROM execution.workers WHERE revoked_at IS NULL
                 UNION SELECT device_class FROM execution.attempts WHERE state IN ('queued', 'running')) c
           LEFT JOIN (SELECT device_class, count(*) AS workers, sum(slots) AS slots FROM execution.workers
                      WHERE revoked_at IS NULL AND NOT is_draining AND last_seen_at > $1 GROUP BY 1) w USING (device_class)
           LEFT JOIN (SELECT a.device_class, count(*) FILTER (WHERE r.state = 'waiting') AS waiting,
                             count(*) FILTER (WHERE r.state = 'released') AS released,
                             count(*) FILTER (WHERE r.state = 'running') AS running
                      FROM execution.case_runs r JOIN execution.attempts a ON a.id = r.attempt_id
                      WHERE a.state IN ('queued', 'running') GROUP BY 1) r USING (device_class)
           ORDER BY 1"#,
        now - SILENCE,
    )
    .fetch_all(db)
    .await
}

#[cfg(test)]
mod tests {
    use actix_web::test::{TestRequest, call_and_read_body_json};
    use molar_web_kit::testing::{app, organizer};
    use serde_json::Value;
    use sqlx::PgPool;

    use crate::routes;
    use crate::testing::World;

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn organizers_see_the_line_and_the_workers(pool: PgPool) {
        let world = World::new(pool).await;
        world.claim().await.unwrap();
        let boss = organizer(&world.pool, "Boss", world.challenge.id).await;
        let app = app(world.kit.clone(), routes(), |_| {}).await;
        let get = |path: &str| {
            TestRequest::get()
                .uri(path)
                .insert_header(boss.bearer())
                .to_request()
        };
        let queue: Value = call_and_read_body_json(&app, get("/api/v1/queue")).await;
        insta::assert_json_snapshot!(queue, @r#"
        {
          "classes": [
            {
              "device_class": "cpu",
              "live_slots": 2,
              "live_workers": 1,
              "oldest_queued_at": null,
              "released": 0,
              "running": 1,
              "waiting": 2
            }
          ]
        }
        "#);
        let mut workers: Value = call_and_read_body_json(&app, get("/api/v1/workers")).await;
        workers["items"][0]["id"] = "…".into();
        insta::assert_json_snapshot!(workers, @r#"
        {
          "items": [
            {
              "device": {
                "cores": 1,
                "cpu": "of a test"
              },
              "device_class": "cpu",
              "differences": [],
              "enrolled_at": "2026-09-01T12:00:00Z",
              "gpus": 0,
              "id": "…",
              "is_draining": false,
              "is_live": true,
              "last_seen_at": "2026-09-01T12:00:00Z",
              "name": "one",
              "revoked_at": null,
              "running": 1,
              "slot_memory_bytes": 34359738368,
              "slots": 2
            }
          ]
        }
        "#);
    }
}
