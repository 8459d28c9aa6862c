//! What cannot be read or found is a problem document, whoever noticed it.

use actix_web::test::TestRequest;

use crate::{call, json, no_database, text};

async fn document(request: TestRequest) -> serde_json::Value {
    let response = call(&no_database(), request).await;
    assert_eq!(
        response.headers().get("content-type").unwrap(),
        "application/problem+json"
    );
    let status = response.status().as_u16();
    let body = json(response).await;
    assert_eq!(body["status"], status);
    body
}

#[actix_web::test]
async fn a_body_that_is_not_json() {
    let request = TestRequest::post().uri("/api/v1/names");
    let request = request
        .insert_header(("content-type", "application/json"))
        .set_payload("{");
    insta::assert_json_snapshot!(document(request).await, @r#"
    {
      "detail": "Json deserialize error: EOF while parsing an object at line 1 column 1",
      "status": 400,
      "title": "The request could not be read",
      "type": "/problems/bad-request"
    }
    "#);
}

#[actix_web::test]
async fn a_body_of_another_type() {
    let request = TestRequest::post().uri("/api/v1/names");
    insta::assert_json_snapshot!(document(request.set_payload("name")).await, @r#"
    {
      "detail": "send the body as application/json",
      "status": 400,
      "title": "The request could not be read",
      "type": "/problems/bad-request"
    }
    "#);
}

#[actix_web::test]
async fn a_body_with_a_member_that_we_do_not_know() {
    let request = TestRequest::post().uri("/api/v1/names");
    let request = request.set_json(serde_json::json!({"name": "A", "rank": 1}));
    insta::assert_json_snapshot!(document(request).await, @r#"
    {
      "errors": [
        {
          "detail": "unknown field `rank`, expected `name` at line 1 column 18",
          "pointer": ""
        }
      ],
      "status": 422,
      "title": "The request is not valid",
      "type": "/problems/invalid-request"
    }
    "#);
}

#[actix_web::test]
async fn a_body_without_end() {
    let request = TestRequest::post().uri("/api/v1/names");
    let request = request.set_json(serde_json::json!({"name": "a".repeat(3 << 20)}));
    insta::assert_json_snapshot!(document(request).await, @r#"
    {
      "detail": "a body has at most 2 MiB",
      "status": 413,
      "title": "The request is too large",
      "type": "/problems/too-large"
    }
    "#);
}

#[actix_web::test]
async fn a_query_that_makes_no_sense() {
    let request = TestRequest::get().uri("/api/v1/teams?limit=1000");
    insta::assert_json_snapshot!(document(request).await, @r#"
    {
      "detail": "query: limit must be 1 to 100",
      "status": 400,
      "title": "The request could not be read",
      "type": "/problems/bad-request"
    }
    "#);
}

#[actix_web::test]
async fn an_id_that_is_none_and_an_id_of_nothing() {
    let request = TestRequest::get().uri("/api/v1/teams/7");
    insta::assert_json_snapshot!(document(request).await, @r#"
    {
      "detail": "no such resource",
      "status": 404,
      "title": "There is nothing here",
      "type": "/problems/not-found"
    }
    "#);
    let request = TestRequest::get().uri("/api/v1/teams/00000000-0000-7000-8000-000000000000");
    assert_eq!(document(request).await["detail"], "no such team");
}

#[actix_web::test]
async fn a_path_that_is_none() {
    let request = TestRequest::get().uri("/api/v2/teams");
    insta::assert_json_snapshot!(document(request).await, @r#"
    {
      "detail": "no such path",
      "status": 404,
      "title": "There is nothing here",
      "type": "/problems/not-found"
    }
    "#);
}

#[actix_web::test]
async fn a_method_that_the_path_does_not_know() {
    let response = call(&no_database(), TestRequest::delete().uri("/api/v1/teams")).await;
    assert_eq!(response.headers().get("allow").unwrap(), "GET, HEAD, POST");
    insta::assert_json_snapshot!(json(response).await, @r#"
    {
      "detail": "DELETE is not one of GET, HEAD, POST",
      "status": 405,
      "title": "This path does not know that method",
      "type": "/problems/method-not-allowed"
    }
    "#);
}

#[actix_web::test]
async fn an_error_of_ours_says_nothing() {
    let request = TestRequest::get().uri("/api/v1/broken");
    insta::assert_json_snapshot!(document(request).await, @r#"
    {
      "status": 500,
      "title": "Internal Server Error",
      "type": "about:blank"
    }
    "#);
}

#[actix_web::test]
async fn a_database_that_is_away_is_503_with_retry_after() {
    let db = no_database();
    db.close().await;
    let request = TestRequest::get()
        .uri("/api/v1/me")
        .insert_header(("authorization", "Bearer x"));
    let response = call(&db, request).await;
    assert_eq!(response.headers().get("retry-after").unwrap(), "5");
    assert_eq!(json(response).await["type"], "/problems/unavailable");
}

#[actix_web::test]
async fn a_literal_path_goes_before_a_parameter_and_head_goes_with_get() {
    let response = call(&no_database(), TestRequest::get().uri("/api/v1/teams/new")).await;
    assert_eq!(text(response).await, "literal");
    let head = TestRequest::default()
        .method(actix_web::http::Method::HEAD)
        .uri("/api/v1/teams");
    assert_eq!(call(&no_database(), head).await.status(), 200);
}
