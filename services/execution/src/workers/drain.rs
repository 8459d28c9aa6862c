//! `POST /api/v1/workers/{id}/drain`

use actix_web::{HttpResponse, web};
use molar_domain::WorkerId;
use molar_service::audit;
use molar_web_kit::{ApiError, Caller, Kit};
use serde_json::json;
use uuid::Uuid;

use crate::doorbell;
use crate::rows::workers;
use crate::state::State;

/// Lets a worker finish what it runs and claim nothing more.
#[utoipa::path(post, path = "/api/v1/workers/{id}/drain", tag = "execution",
    params(("id" = Uuid, Path)), responses((status = 204)))]
#[tracing::instrument(name = "workers.drain", skip_all, fields(worker.id = %*id))]
pub async fn drain(
    kit: web::Data<Kit>,
    state: web::Data<State>,
    caller: Caller,
    id: web::Path<Uuid>,
) -> Result<HttpResponse, ApiError> {
    let (id, who) = (WorkerId(*id), Some(caller.user_id));
    let mut tx = kit.db.begin().await?;
    if !workers::drain(&mut *tx, id).await? {
        return Err(ApiError::NotFound("worker"));
    }
    audit::append(
        &mut tx,
        kit.clock.now(),
        who,
        "worker.drained",
        id.0,
        json!({ "from": "enrolled", "to": "draining" }),
        None,
    )
    .await?;
    tx.commit().await?;
    doorbell::drain(&*state.publisher, id).await;
    Ok(HttpResponse::NoContent().finish())
}

#[cfg(test)]
mod tests {
    use actix_web::test::{TestRequest, call_service};
    use actix_web::web;
    use molar_web_kit::testing::{admin, app, organizer};
    use sqlx::PgPool;

    use crate::routes;
    use crate::testing::World;

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn an_admin_drains_and_revokes_and_it_is_on_record(pool: PgPool) {
        let world = World::new(pool).await;
        let boss = admin(&world.pool, "Boss").await;
        let organizer = organizer(&world.pool, "Olga", world.challenge.id).await;
        let state = world.state.clone();
        let app = app(
            world.kit.clone(),
            routes(),
            |config: &mut web::ServiceConfig| {
                config.app_data(state);
            },
        )
        .await;
        let post = |path: String| {
            TestRequest::post()
                .uri(&path)
                .insert_header(boss.bearer())
                .to_request()
        };
        let id = world.worker.id;
        for what in [
            format!("{id}/drain"),
            format!("{id}/revoke"),
            "enrolment-tokens".to_owned(),
        ] {
            let request = TestRequest::post()
                .uri(&format!("/api/v1/workers/{what}"))
                .insert_header(organizer.bearer());
            let answer = call_service(&app, request.to_request()).await;
            assert_eq!(answer.status(), 403, "{what}");
        }
        for (path, status) in [
            (format!("/api/v1/workers/{id}/drain"), 204),
            (format!("/api/v1/workers/{id}/revoke"), 204),
            (format!("/api/v1/workers/{id}/revoke"), 404),
            (format!("/api/v1/workers/{}/drain", boss.id), 404),
            ("/api/v1/workers/enrolment-tokens".to_owned(), 201),
        ] {
            let answer = call_service(&app, post(path.clone())).await;
            assert_eq!(answer.status(), status, "{path}");
        }
        assert_eq!(world.rung.keys(), [format!("worker.{id}")]);
        let actions = sqlx::query_scalar!("SELECT action FROM audit.entries ORDER BY seq")
            .fetch_all(&world.pool)
            .await
            .unwrap();
        assert_eq!(
            actions,
            [
                "worker.drained",
                "worker.revoked",
                "enrolment_token.created"
            ]
        );
    }
}
