//! What a token is good for, and what an account whose address is not confirmed may do.

use actix_web::test::TestRequest;
use molar_web_kit::testing::{Person, admin, person};
use sqlx::PgPool;

use crate::{call, json};

async fn narrow(db: &PgPool, of: &Person, scopes: &[&str]) {
    let scopes: Vec<String> = scopes.iter().map(|scope| (*scope).to_owned()).collect();
    sqlx::query!(
        "UPDATE registration.tokens SET scopes = $2 WHERE user_id = $1 AND kind = 'api'",
        of.id.0,
        &scopes,
    )
    .execute(db)
    .await
    .unwrap();
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn every_route_asks_a_token_for_the_scope_of_its_rule(db: PgPool) {
    let root = admin(&db, "Root").await;
    let me = || TestRequest::get().uri("/api/v1/me");
    let cases = || TestRequest::post().uri("/api/v1/cases");
    let user = || TestRequest::delete().uri("/api/v1/users/1");
    let hello = || TestRequest::get().uri("/hello");
    let status = async |request: TestRequest| {
        let response = call(&db, request.insert_header(root.bearer())).await;
        match response.status().as_u16() {
            403 => (
                403,
                json(response).await["code"].as_str().map(str::to_owned),
            ),
            status => (status, None),
        }
    };
    let lacks = || (403, Some("scope-missing".to_owned()));

    narrow(&db, &root, &["read"]).await;
    assert_eq!(status(me()).await, (200, None));
    assert_eq!(status(hello()).await, (200, None));
    assert_eq!(status(cases()).await, lacks());
    assert_eq!(status(user()).await, lacks());
    narrow(&db, &root, &["organize"]).await;
    assert_eq!(status(me()).await, lacks());
    assert_eq!(status(hello()).await, lacks());
    assert_eq!(status(cases()).await, (200, None));
    assert_eq!(status(user()).await, (200, None));
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_session_is_not_asked(db: PgPool) {
    let ada = person(&db, "Ada").await;
    narrow(&db, &ada, &["submit"]).await;
    let request = TestRequest::get().uri("/api/v1/me").cookie(ada.cookie());
    assert_eq!(call(&db, request).await.status(), 200);
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn until_the_address_is_confirmed_one_reads(db: PgPool) {
    let root = admin(&db, "Root").await;
    let set = async |must: bool, confirmed: bool| {
        sqlx::query!(
            "UPDATE registration.users
             SET must_confirm = $1, confirmed_at = CASE WHEN $2 THEN created_at END",
            must,
            confirmed
        )
        .execute(&db)
        .await
        .unwrap();
    };
    let me = || {
        TestRequest::get()
            .uri("/api/v1/me")
            .insert_header(root.bearer())
    };
    let cases = || {
        TestRequest::post()
            .uri("/api/v1/cases")
            .insert_header(root.bearer())
    };
    set(true, false).await;
    assert_eq!(call(&db, me()).await.status(), 200);
    let refused = call(&db, cases()).await;
    assert_eq!(refused.status(), 403);
    insta::assert_json_snapshot!(json(refused).await, @r#"
    {
      "code": "address-not-confirmed",
      "detail": "confirm your e-mail address first: open the link in the mail that we sent you, or ask for another at /account",
      "status": 403,
      "title": "This is not yours to do",
      "type": "/problems/forbidden"
    }
    "#);
    set(true, true).await;
    assert_eq!(call(&db, cases()).await.status(), 200);
    set(false, false).await;
    assert_eq!(call(&db, cases()).await.status(), 200);
}
