//! The frame, and what browsers see of problems.

use actix_web::test::TestRequest;
use molar_web_kit::layout::{Page, problem_kind_page, stylesheet_url};

use molar_domain::MockClock;
use molar_service::Role;
use molar_web_kit::testing::{TURNING, app, kit, noon, turned};

use crate::{call, no_database, routes, text};

fn browser(path: &str) -> TestRequest {
    TestRequest::get()
        .uri(path)
        .insert_header(("accept", "text/html,application/xhtml+xml"))
}

#[actix_web::test]
async fn a_browser_sees_a_page_of_what_went_wrong() {
    let request = browser("/nowhere").insert_header(("x-request-id", "request-of-test"));
    let response = call(&no_database(), request).await;
    assert_eq!(response.status(), 404);
    assert_eq!(
        response.headers().get("content-type").unwrap(),
        "text/html; charset=utf-8"
    );
    assert_eq!(
        response.headers().get("x-request-id").unwrap(),
        "request-of-test"
    );
    let policy = response.headers().get("content-security-policy").unwrap();
    assert!(!policy.to_str().unwrap().contains("unsafe"), "{policy:?}");
    assert!(!response.headers().contains_key("strict-transport-security"));
    let page = text(response).await;
    assert!(
        page.contains("<h1><bdi>There is nothing here</bdi></h1>"),
        "{page}"
    );
    assert!(page.contains(r#"href="/problems/not-found""#), "{page}");
    assert!(page.contains("<code>request-of-test</code>"), "{page}");
}

#[actix_web::test]
async fn the_api_answers_browsers_with_documents() {
    let response = call(&no_database(), browser("/api/v1/nowhere")).await;
    assert_eq!(
        response.headers().get("content-type").unwrap(),
        "application/problem+json"
    );
}

#[actix_web::test]
async fn a_browser_without_a_session_is_led_to_the_door() {
    let response = call(&no_database(), browser("/teams/7?sort=name")).await;
    assert_eq!(response.status(), 303);
    assert_eq!(
        response.headers().get("location").unwrap(),
        "/login?next=%2Fteams%2F7%3Fsort%3Dname"
    );
}

#[actix_web::test]
async fn the_stylesheet_is_kept_for_good() {
    let response = call(&no_database(), TestRequest::get().uri(stylesheet_url())).await;
    assert_eq!(
        response.headers().get("cache-control").unwrap(),
        "public, max-age=31536000, immutable"
    );
    assert_eq!(
        response.headers().get("x-content-type-options").unwrap(),
        "nosniff"
    );
    assert!(text(response).await.contains("table.board"));
}

#[actix_web::test]
async fn the_trace_of_the_caller_goes_on() {
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let request = TestRequest::get()
        .uri("/hello")
        .insert_header(("traceparent", parent));
    let response = call(&no_database(), request).await;
    let ours = response
        .headers()
        .get("traceparent")
        .unwrap()
        .to_str()
        .unwrap();
    assert_eq!(ours[..36], parent[..36]);
    assert_ne!(ours, parent);
}

#[actix_web::test]
async fn names_in_the_frame_are_text() {
    let page = Page::new("<i>Board</i>", "<p>inner</p>").crumb("A & B", "/a");
    let body = actix_web::body::to_bytes(page.respond().into_body())
        .await
        .unwrap();
    let page = String::from_utf8(body.to_vec()).unwrap();
    assert!(
        page.contains("<p>inner</p>") && !page.contains("<i>"),
        "{page}"
    );
    assert!(
        page.contains("<a href=\"/a\"><bdi>A &#38; B</bdi></a>"),
        "{page}"
    );
    assert!(problem_kind_page(None, "quota-exceeded").is_some());
    assert!(problem_kind_page(None, "nonsense").is_none());
}

#[actix_web::test]
async fn names_in_the_frame_turn_nothing_beside_them() {
    let page = Page::new(format!("{TURNING}, figures"), "").crumb(TURNING, "/a");
    let body = actix_web::body::to_bytes(page.respond().into_body())
        .await
        .unwrap();
    let page = String::from_utf8(body.to_vec()).unwrap();
    assert!(turned(&page).is_empty(), "{:?}", turned(&page));
    for isolated in [
        "<title>שיניים, figures · Molar</title>",
        "<h1><bdi>שיניים, figures</bdi></h1>",
        "<bdi>\u{202e}שיניים</bdi></a>",
    ] {
        assert!(page.contains(isolated), "{isolated}: {page}");
    }
}

#[actix_web::test]
async fn over_https_a_browser_is_told_to_stay_there() {
    let mut kit = (**kit(Role::Registration, no_database(), MockClock::at(noon()))).clone();
    kit.public_url = "https://molar.test/".parse().unwrap();
    let app = app(actix_web::web::Data::new(kit), routes(), |_| {}).await;
    let response = actix_web::test::call_service(&app, browser("/nowhere").to_request()).await;
    let told = response.headers().get("strict-transport-security");
    assert_eq!(told.unwrap(), "max-age=31536000");
}
