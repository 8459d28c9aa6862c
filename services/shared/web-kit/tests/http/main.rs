//! Routes as they are served, over a real database.
#![expect(clippy::unwrap_used, reason = "in tests that is an assertion")]

mod access;
mod counted;
mod csrf;
mod documents;
mod idempotency;
mod pages;
mod problems;
mod rates;
mod ready;
mod scopes;

use actix_web::body::BoxBody;
use actix_web::dev::ServiceResponse;
use actix_web::test::{self, TestRequest};
use actix_web::{HttpResponse, web};
use molar_domain::MockClock;
use molar_service::Role;
use molar_web_kit::testing::{app, kit, noon};
use molar_web_kit::{Access, ApiError, Caller, PageQuery, Routes};
use serde::Deserialize;
use serde_json::Value;
use sqlx::PgPool;
use uuid::Uuid;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewTeam {
    name: String,
}

/// A role with one route of every sort.
fn routes() -> Routes {
    Routes::new(Role::Registration)
        .get("/api/v1/teams", Access::Public, list)
        .post("/api/v1/teams", Access::SignedIn, idempotency::create)
        .get("/api/v1/teams/{id}", Access::Public, find)
        .get("/api/v1/teams/new", Access::Public, || async {
            HttpResponse::Ok().body("literal")
        })
        .get("/api/v1/me", Access::SignedIn, me)
        .post(
            "/api/v1/names",
            Access::Public,
            |_: web::Json<NewTeam>| async { "read" },
        )
        .get("/api/v1/broken", Access::Public, broken)
        .post("/api/v1/cases", Access::Organizer, me)
        .delete("/api/v1/users/{id}", Access::Admin, me)
        .post("/api/v1/claims", Access::Worker, access::claim)
        .get("/teams/{id}", Access::SignedIn, me)
        .get("/hello", Access::SignedInOrPublic, hello)
        .post("/login", Access::Public, || async {
            HttpResponse::NoContent().finish()
        })
        .post("/account", Access::SignedIn, csrf::rename)
}

async fn list(_: web::Query<PageQuery>) -> HttpResponse {
    HttpResponse::Ok().finish()
}

async fn find(_: web::Path<Uuid>) -> Result<HttpResponse, ApiError> {
    Err(ApiError::NotFound("team"))
}

async fn me(caller: Caller) -> HttpResponse {
    HttpResponse::Ok().body(caller.user_name)
}

async fn hello(caller: Option<Caller>) -> HttpResponse {
    HttpResponse::Ok().body(caller.map_or("nobody".to_owned(), |caller| caller.user_name))
}

async fn broken() -> Result<HttpResponse, ApiError> {
    Err(sqlx::Error::ColumnNotFound("password_hash".into()).into())
}

/// For what never asks the database.
fn no_database() -> PgPool {
    PgPool::connect_lazy("postgres://nobody@127.0.0.1:1/none").unwrap()
}

async fn call(db: &PgPool, request: TestRequest) -> ServiceResponse<BoxBody> {
    call_at(db, MockClock::at(noon()), request).await
}

async fn call_at(db: &PgPool, clock: MockClock, request: TestRequest) -> ServiceResponse<BoxBody> {
    let app = app(kit(Role::Registration, db.clone(), clock), routes(), |_| {}).await;
    test::call_service(&app, request.to_request()).await
}

async fn text(response: ServiceResponse<BoxBody>) -> String {
    String::from_utf8(test::read_body(response).await.to_vec()).unwrap()
}

async fn json(response: ServiceResponse<BoxBody>) -> Value {
    serde_json::from_str(&text(response).await).unwrap()
}
