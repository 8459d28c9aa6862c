//! Who gets to a handler.

use std::sync::Arc;

use actix_web::test::{self, TestRequest};
use actix_web::{HttpMessage, HttpRequest, HttpResponse};
use chrono::TimeDelta;
use futures_util::future::{BoxFuture, FutureExt};
use molar_domain::{ChallengeId, MockClock, WorkerId};
use molar_service::Role;
use molar_web_kit::caller::TokenHash;
use molar_web_kit::routes::WorkerGate;
use molar_web_kit::testing::{admin, app, every_route_denies, kit, noon, organizer, person};
use molar_web_kit::{Access, ApiError, Routes};
use sqlx::PgPool;

use crate::{call, call_at, json, no_database, routes, text};

pub async fn claim(request: HttpRequest) -> HttpResponse {
    let worker = request.extensions().get::<WorkerId>().copied();
    HttpResponse::Ok().body(worker.expect("the gate let it in").to_string())
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn no_route_is_open_by_accident(db: PgPool) {
    every_route_denies(db, routes).await;
}

#[actix_web::test]
async fn without_a_token_the_answer_says_what_to_do() {
    let response = call(&no_database(), TestRequest::get().uri("/api/v1/me")).await;
    assert_eq!(
        response.headers().get("www-authenticate").unwrap(),
        r#"Bearer realm="molar""#
    );
    insta::assert_json_snapshot!(json(response).await, @r#"
    {
      "status": 401,
      "title": "Please sign in",
      "type": "/problems/unauthorized"
    }
    "#);
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn token_and_session_both_sign_in(db: PgPool) {
    let ada = person(&db, "Ada").await;
    let me = || TestRequest::get().uri("/api/v1/me");
    let response = call(&db, me().insert_header(ada.bearer())).await;
    assert_eq!(response.headers().get("cache-control").unwrap(), "no-store");
    assert_eq!(text(response).await, "Ada");
    assert_eq!(
        text(call(&db, me().cookie(ada.cookie())).await).await,
        "Ada"
    );
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_token_of_the_api_in_the_cookie_is_none(db: PgPool) {
    let mut ada = person(&db, "Ada").await;
    ada.session = ada.token.clone();
    let request = TestRequest::get().uri("/api/v1/me").cookie(ada.cookie());
    assert_eq!(call(&db, request).await.status(), 401);
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_token_ends_at_its_date_and_when_revoked(db: PgPool) {
    let ada = person(&db, "Ada").await;
    let clock = MockClock::at(noon() + TimeDelta::days(1));
    let me = || {
        TestRequest::get()
            .uri("/api/v1/me")
            .insert_header(ada.bearer())
    };
    assert_eq!(call_at(&db, clock, me()).await.status(), 401);

    assert_eq!(call(&db, me()).await.status(), 200);
    sqlx::query!("UPDATE registration.tokens SET revoked_at = $1", noon())
        .execute(&db)
        .await
        .unwrap();
    assert_eq!(call(&db, me()).await.status(), 401);
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn an_open_page_knows_who_reads_it(db: PgPool) {
    let ada = person(&db, "Ada").await;
    let hello = || TestRequest::get().uri("/hello");
    assert_eq!(text(call(&db, hello()).await).await, "nobody");
    assert_eq!(
        text(call(&db, hello().cookie(ada.cookie())).await).await,
        "Ada"
    );

    let stale = hello().insert_header(("cookie", "molar_session=molar_gone"));
    assert_eq!(text(call(&db, stale).await).await, "nobody");
    let wrong = hello().insert_header(("authorization", "Bearer molar_gone"));
    assert_eq!(call(&db, wrong).await.status(), 401);
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn organizers_and_admins_reach_what_is_theirs(db: PgPool) {
    let challenge = ChallengeId::at(noon());
    sqlx::query!(
        "INSERT INTO tracks.challenges (id, slug, title, summary, zone, created_at, updated_at)
         VALUES ($1, 'sts', 'STS', '', 'UTC', $2, $2)",
        challenge.0,
        noon(),
    )
    .execute(&db)
    .await
    .unwrap();
    let (olga, root) = (
        organizer(&db, "Olga", challenge).await,
        admin(&db, "Root").await,
    );
    let cases = || TestRequest::post().uri("/api/v1/cases");
    let user = || TestRequest::delete().uri("/api/v1/users/1");
    assert_eq!(
        call(&db, cases().insert_header(olga.bearer()))
            .await
            .status(),
        200
    );
    assert_eq!(
        call(&db, cases().insert_header(root.bearer()))
            .await
            .status(),
        200
    );
    assert_eq!(
        call(&db, user().insert_header(root.bearer()))
            .await
            .status(),
        200
    );
    assert_eq!(
        call(&db, user().insert_header(olga.bearer()))
            .await
            .status(),
        403
    );
}

struct OneWorker(WorkerId, TokenHash);

impl WorkerGate for OneWorker {
    fn find<'a>(&'a self, key: &'a TokenHash) -> BoxFuture<'a, Result<Option<WorkerId>, ApiError>> {
        async { Ok((*key == self.1).then_some(self.0)) }.boxed()
    }
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_worker_comes_in_by_its_key_and_a_person_does_not(db: PgPool) {
    let ada = person(&db, "Ada").await;
    let worker = WorkerId::at(noon());
    let gate = Arc::new(OneWorker(worker, TokenHash::of("its key")));
    let routes = Routes::new(Role::Execution).worker_gate(gate).post(
        "/worker/v1/claims",
        Access::Worker,
        claim,
    );
    let kit = kit(Role::Execution, db, MockClock::at(noon()));
    let app = app(kit, routes, |_| {}).await;
    let claim = || TestRequest::post().uri("/worker/v1/claims");

    let request = claim().insert_header(("authorization", "Bearer its key"));
    let response = test::call_service(&app, request.to_request()).await;
    assert_eq!(text(response).await, worker.to_string());
    let request = claim().insert_header(ada.bearer());
    assert_eq!(
        test::call_service(&app, request.to_request())
            .await
            .status(),
        401
    );
}
