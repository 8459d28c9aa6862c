//! `GET /api/v1/submissions/{id}/changes/events`

use actix_web::{HttpRequest, HttpResponse, web};
use molar_web_kit::live::{self, Follower};
use molar_web_kit::{ApiError, Caller, Kit, caller};
use uuid::Uuid;

use super::{Changes, Key, now};
use crate::submissions::access::see;

/// Tells when what the caller sees of a submission has changed, its cases included: server-sent events `changed`, each
/// with an opaque number. The first comes at once.
///
/// After some minutes, and when the caller may not see it any more, it ends. 503 with `Retry-After` while as many
/// follow as this process can serve.
#[utoipa::path(get, path = "/api/v1/submissions/{id}/changes/events", tag = "submission",
    params(("id" = Uuid, Path)),
    responses((status = 200, body = String, content_type = "text/event-stream")))]
#[tracing::instrument(name = "submissions.changes", skip_all, fields(submission.id = %id))]
pub async fn events(
    kit: web::Data<Kit>,
    changes: web::Data<Changes>,
    id: web::Path<Uuid>,
    caller: Caller,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let (key, number) = now(&kit, &caller, *id).await?;
    let place = changes.place(&kit, &request, Some(&caller))?;
    let told = changes.followed.follow(key, Some(&caller), number);
    let follower = Follower {
        told,
        may_see: async move || is_still(&kit, &caller, key).await.unwrap_or(false),
        place,
        stop: changes.stop.clone(),
    };
    Ok(live::response(follower.events()))
}

async fn is_still(kit: &Kit, before: &Caller, key: Key) -> Result<bool, ApiError> {
    let Some(caller) = caller::find_again(kit, before).await? else {
        return Ok(false);
    };
    let mut conn = kit.db.acquire().await?;
    let seen = see(&mut conn, &caller, key.id).await?;
    Ok(Key::of(&seen) == key)
}

#[cfg(test)]
mod tests {
    use actix_web::http::StatusCode;
    use actix_web::test::{TestRequest, call_service};
    use actix_web::web;
    use molar_testkit::{EvaluationBuilder, SubmissionBuilder};
    use molar_web_kit::live::testing::{is_silent, next};
    use molar_web_kit::testing;
    use serde_json::json;
    use sqlx::PgPool;
    use tokio_util::sync::CancellationToken;

    use crate::submissions::changes::{Changes, look};
    use crate::testing::World;

    fn changes() -> web::Data<Changes> {
        web::Data::new(Changes::new(CancellationToken::new()))
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_team_hears_that_its_submission_moved_and_strangers_hear_nothing(pool: PgPool) {
        let world = World::new(&pool).await;
        let submission = SubmissionBuilder::new(&world.challenge, &world.team);
        let submission = submission.insert(&pool).await;
        let changes = changes();
        let (app, kit) = (world.app_with(&changes).await, world.kit());
        let path = format!("/api/v1/submissions/{}/changes/events", submission.id);
        let stranger = testing::person(&pool, "Stranger").await;
        let request = |who: &testing::Person| {
            let request = TestRequest::get().uri(&path).insert_header(who.bearer());
            request.to_request()
        };
        let refused = call_service(&app, request(&stranger)).await;
        assert_eq!(refused.status(), StatusCode::NOT_FOUND);

        let answer = call_service(&app, request(&world.member)).await;
        let kind = answer.headers().get("content-type").unwrap();
        assert_eq!(kind, "text/event-stream; charset=utf-8");
        let mut events = answer.into_body();
        let first = next(&mut events).await.unwrap();
        look::all(&kit, &changes).await.unwrap();
        assert!(is_silent(&mut events).await, "nothing has moved");

        let evaluation = EvaluationBuilder::new(&world.challenge, &submission, json!({"IA": 0.25}));
        evaluation.insert(&pool).await;
        look::all(&kit, &changes).await.unwrap();
        let second = next(&mut events).await.unwrap();
        assert!(second.starts_with("id: ") && first != second, "{second}");
        assert!(!second.contains("0.25") && !second.contains("scored"));

        changes.stop.cancel();
        assert_eq!(next(&mut events).await, None);
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn who_left_the_team_hears_no_more(pool: PgPool) {
        let world = World::new(&pool).await;
        let submission = SubmissionBuilder::new(&world.challenge, &world.team);
        let submission = submission.insert(&pool).await;
        let changes = changes();
        let (app, kit) = (world.app_with(&changes).await, world.kit());
        let path = format!("/api/v1/submissions/{}/changes/events", submission.id);
        let request = TestRequest::get()
            .uri(&path)
            .insert_header(world.member.bearer());
        let mut events = call_service(&app, request.to_request()).await.into_body();
        next(&mut events).await.unwrap();
        sqlx::query!("DELETE FROM registration.memberships")
            .execute(&pool)
            .await
            .unwrap();
        let evaluation = EvaluationBuilder::new(&world.challenge, &submission, json!({"IA": 0.25}));
        evaluation.insert(&pool).await;
        look::all(&kit, &changes).await.unwrap();
        assert_eq!(next(&mut events).await, None);
    }
}
