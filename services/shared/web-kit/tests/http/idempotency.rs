//! A create that is sent twice creates once.

use actix_web::http::StatusCode;
use actix_web::test::TestRequest;
use actix_web::{HttpResponse, web};
use molar_domain::TeamId;
use molar_web_kit::testing::{Person, noon, person};
use molar_web_kit::{ApiError, Begun, Kit, Once};
use serde_json::json;
use sqlx::PgPool;

use crate::{NewTeam, call, json, text};

/// As short as a creating handler can be.
pub async fn create(
    kit: web::Data<Kit>,
    once: Once,
    body: web::Json<NewTeam>,
) -> Result<HttpResponse, ApiError> {
    let mut tx = kit.db.begin().await?;
    let once = match once.begin(&mut tx).await? {
        Begun::Fresh(once) => once,
        Begun::Replay(answer) => return Ok(answer),
    };
    let id = TeamId::at(kit.clock.now());
    let view = json!({"id": id, "name": body.name});
    let location = Some(format!("/api/v1/teams/{id}"));
    let answer = once
        .finish(&mut tx, StatusCode::CREATED, location, &view)
        .await?;
    tx.commit().await?;
    Ok(answer)
}

fn request(person: &Person, key: &str, name: &str) -> TestRequest {
    TestRequest::post()
        .uri("/api/v1/teams")
        .insert_header(person.bearer())
        .insert_header(("idempotency-key", key))
        .set_json(json!({"name": name}))
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn the_same_key_gets_the_same_answer(db: PgPool) {
    let ada = person(&db, "Ada").await;
    let first = call(&db, request(&ada, "k1", "Molars")).await;
    let second = call(&db, request(&ada, "k1", "Molars")).await;
    assert_eq!(
        (first.status(), second.status()),
        (StatusCode::CREATED, StatusCode::CREATED)
    );
    assert_eq!(
        first.headers().get("location").unwrap(),
        second.headers().get("location").unwrap()
    );
    assert!(!first.headers().contains_key("idempotent-replayed"));
    assert_eq!(second.headers().get("idempotent-replayed").unwrap(), "true");
    assert_eq!(text(first).await, text(second).await);
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn the_same_key_with_another_body_is_refused(db: PgPool) {
    let ada = person(&db, "Ada").await;
    call(&db, request(&ada, "k1", "Molars")).await;
    insta::assert_json_snapshot!(json(call(&db, request(&ada, "k1", "Canines")).await).await, @r#"
    {
      "status": 409,
      "title": "This idempotency key was used for another request",
      "type": "/problems/idempotency-mismatch"
    }
    "#);
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn keys_belong_to_their_callers_and_no_key_is_no_promise(db: PgPool) {
    let (ada, bob) = (person(&db, "Ada").await, person(&db, "Bob").await);
    let of_ada = text(call(&db, request(&ada, "k1", "Molars")).await).await;
    let of_bob = text(call(&db, request(&bob, "k1", "Molars")).await).await;
    assert_ne!(of_ada, of_bob);

    let plain = || {
        let request = TestRequest::post()
            .uri("/api/v1/teams")
            .insert_header(ada.bearer());
        request.set_json(json!({"name": "Molars"}))
    };
    assert_ne!(
        text(call(&db, plain()).await).await,
        text(call(&db, plain()).await).await
    );
    assert_eq!(call(&db, request(&ada, "", "Molars")).await.status(), 400);
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn two_at_once_create_once(db: PgPool) {
    let ada = person(&db, "Ada").await;
    let (a, b) = tokio::join!(
        call(&db, request(&ada, "k1", "Molars")),
        call(&db, request(&ada, "k1", "Molars")),
    );
    assert_eq!(
        a.headers().get("location").unwrap(),
        b.headers().get("location").unwrap()
    );
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn old_answers_are_forgotten(db: PgPool) {
    use molar_web_kit::idempotency::forget;
    let ada = person(&db, "Ada").await;
    call(&db, request(&ada, "k1", "Molars")).await;
    let mut conn = db.acquire().await.unwrap();
    let role = molar_service::Role::Registration;
    assert_eq!(forget(&mut conn, role, noon()).await.unwrap(), 0);
    let later = noon() + chrono::TimeDelta::seconds(1);
    assert_eq!(forget(&mut conn, role, later).await.unwrap(), 1);
}
