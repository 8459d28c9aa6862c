//! Forms and scripts of other sites do nothing with a reader's session.

use actix_web::test::TestRequest;
use actix_web::{HttpResponse, web};
use molar_web_kit::Caller;
use molar_web_kit::testing::person;
use serde::Deserialize;
use sqlx::PgPool;

use crate::{call, json, no_database, text};

#[derive(Deserialize)]
pub struct Rename {
    name: String,
}

pub async fn rename(caller: Caller, form: web::Form<Rename>) -> HttpResponse {
    HttpResponse::Ok().body(format!(
        "{} {} {}",
        caller.user_name,
        form.name,
        caller.csrf_token()
    ))
}

/// What the page of `person` would hold in its hidden field.
async fn token_on_the_page(db: &PgPool, person: &molar_web_kit::testing::Person) -> String {
    let mut bearer = person.clone();
    bearer.token = person.session.clone();
    let request = TestRequest::post()
        .uri("/account")
        .insert_header(bearer.bearer());
    let answer = call(db, request.set_form([("name", "x")])).await;
    text(answer).await.rsplit(' ').next().unwrap().to_owned()
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_form_needs_the_token_of_its_session(db: PgPool) {
    let (ada, eve) = (person(&db, "Ada").await, person(&db, "Eve").await);
    let form = |token: &str| {
        let fields = [("name", "Ada L."), ("_csrf", token)];
        TestRequest::post()
            .uri("/account")
            .cookie(ada.cookie())
            .set_form(fields)
    };
    let token = token_on_the_page(&db, &ada).await;
    let answer = text(call(&db, form(&token)).await).await;
    assert_eq!(
        answer,
        format!("Ada Ada L. {token}"),
        "the handler still reads the form"
    );

    let of_eve = token_on_the_page(&db, &eve).await;
    assert_eq!(call(&db, form(&of_eve)).await.status(), 403);
    insta::assert_json_snapshot!(json(call(&db, form("")).await).await, @r#"
    {
      "detail": "the form is out of date; load the page again and repeat",
      "status": 403,
      "title": "This is not yours to do",
      "type": "/problems/forbidden"
    }
    "#);
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn json_with_a_cookie_needs_the_header(db: PgPool) {
    let ada = person(&db, "Ada").await;
    let create = || {
        let body = serde_json::json!({"name": "Molars"});
        TestRequest::post()
            .uri("/api/v1/teams")
            .cookie(ada.cookie())
            .set_json(body)
    };
    assert_eq!(call(&db, create()).await.status(), 403);
    let token = token_on_the_page(&db, &ada).await;
    let answer = call(&db, create().insert_header(("x-csrf-token", token))).await;
    assert_eq!(answer.status(), 201);
}

#[actix_web::test]
async fn another_site_cannot_even_sign_somebody_in() {
    let login = |origin: &'static str| {
        let request = TestRequest::post()
            .uri("/login")
            .insert_header(("origin", origin));
        request.insert_header(("host", "localhost:8080"))
    };
    assert_eq!(
        call(&no_database(), login("http://molar.test"))
            .await
            .status(),
        204
    );
    assert_eq!(
        call(&no_database(), login("http://localhost:8080"))
            .await
            .status(),
        204
    );
    assert_eq!(
        call(&no_database(), login("https://evil.test"))
            .await
            .status(),
        403
    );
    assert_eq!(call(&no_database(), login("null")).await.status(), 403);
}
