//! Who sends too much is held up, and nobody else.

use actix_web::body::BoxBody;
use actix_web::dev::{Service, ServiceResponse};
use actix_web::test::{self, TestRequest};
use chrono::TimeDelta;
use molar_domain::MockClock;
use molar_service::Role;
use molar_web_kit::testing::{app, kit, noon, person};
use sqlx::PgPool;

use crate::{json, routes};

/// Thirty seconds' worth of the default.
const WRITES: usize = 600;

fn login(from: &str) -> TestRequest {
    let peer = format!("{from}:5000").parse().unwrap();
    TestRequest::post().uri("/login").peer_addr(peer)
}

async fn call(
    app: &impl Service<
        actix_http::Request,
        Response = ServiceResponse<BoxBody>,
        Error = actix_web::Error,
    >,
    request: TestRequest,
) -> ServiceResponse<BoxBody> {
    test::call_service(app, request.to_request()).await
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn who_sends_too_much_is_told_when_to_go_on(db: PgPool) {
    let clock = MockClock::at(noon());
    let ada = person(&db, "Ada").await;
    let kit = kit(Role::Registration, db, clock.clone());
    let app = app(kit, routes(), |_| {}).await;
    for _ in 0..WRITES {
        assert_eq!(call(&app, login("10.0.0.1")).await.status(), 204);
    }
    let refused = call(&app, login("10.0.0.1")).await;
    assert_eq!(refused.status(), 429);
    assert_eq!(refused.headers().get("retry-after").unwrap(), "1");
    insta::assert_json_snapshot!(json(refused).await, @r#"
    {
      "detail": "too many requests from you, or from your network, in a short time; wait 1 s and go on. If it comes back, write to the organizers",
      "retry_after_s": 1,
      "status": 429,
      "title": "Too many requests",
      "type": "/problems/too-many-requests"
    }
    "#);
    let claimed = login("10.0.0.1").insert_header(("x-forwarded-for", "10.0.0.9"));
    assert_eq!(
        call(&app, claimed).await.status(),
        429,
        "a claim is no address"
    );
    let page = login("10.0.0.1").insert_header(("accept", "text/html"));
    let page = call(&app, page).await;
    assert_eq!(page.headers().get("retry-after").unwrap(), "1");
    assert_eq!(
        page.headers().get("content-type").unwrap(),
        "text/html; charset=utf-8"
    );

    assert_eq!(call(&app, login("10.0.0.2")).await.status(), 204);
    let peer = "10.0.0.1:5000".parse().unwrap();
    let reading = TestRequest::get().uri("/api/v1/teams").peer_addr(peer);
    assert_eq!(
        call(&app, reading).await.status(),
        200,
        "reading is counted apart"
    );
    // Whoever is signed in is counted as a person, wherever they are.
    let signed_in = || {
        let request = TestRequest::post().uri("/account").peer_addr(peer);
        request
            .insert_header(ada.bearer())
            .set_form([("name", "x")])
    };
    let mut seen = 0;
    while call(&app, signed_in()).await.status() != 429 {
        seen += 1;
    }
    assert_eq!(seen, WRITES);
    clock.advance(TimeDelta::seconds(1));
    assert_eq!(call(&app, login("10.0.0.1")).await.status(), 204);
    assert_ne!(call(&app, signed_in()).await.status(), 429);
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn guessing_tokens_is_counted_by_address(db: PgPool) {
    let kit = kit(Role::Registration, db, MockClock::at(noon()));
    let app = app(kit, routes(), |_| {}).await;
    let guess = |n: usize| {
        TestRequest::post()
            .uri("/api/v1/teams")
            .insert_header(("authorization", format!("Bearer molar_{n}")))
    };
    for n in 0..WRITES {
        assert_eq!(call(&app, guess(n)).await.status(), 401);
    }
    assert_eq!(call(&app, guess(WRITES)).await.status(), 429);
}
