//! The API of this role as its callers see it, with the rights that its login has.

use std::net::IpAddr;
use std::rc::Rc;

use actix_http::Request;
use actix_web::body::BoxBody;
use actix_web::dev::{Service, ServiceResponse};
use actix_web::test::{self, TestRequest};
use actix_web::web;
use chrono::TimeDelta;
use futures_util::future::LocalBoxFuture;
use molar_domain::MockClock;
use molar_service::Role;
use molar_service::db;
use molar_web_kit::Kit;
use molar_web_kit::testing::{Person, app, kit, noon};
use serde_json::Value;
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;

use crate::routes;
use crate::state::AppState;

type Send = dyn Fn(Request) -> LocalBoxFuture<'static, ServiceResponse<BoxBody>>;

pub struct Api {
    pub clock: MockClock,
    /// As the role's loops have it.
    pub kit: Kit,
    send: Rc<Send>,
}

impl Api {
    pub async fn new(owner: &PgPool) -> Self {
        Self::build(owner, false).await
    }

    /// Where an account may only read until its address is confirmed.
    pub async fn strict(owner: &PgPool) -> Self {
        Self::build(owner, true).await
    }

    /// With one connection, which whoever keeps it keeps from everybody.
    pub async fn narrow(owner: &PgPool) -> Self {
        Self::build_on(with_rights_of_role(owner, 1).await, false).await
    }

    async fn build(owner: &PgPool, must_confirm: bool) -> Self {
        Self::build_on(with_rights_of_role(owner, 3).await, must_confirm).await
    }

    async fn build_on(db: PgPool, must_confirm: bool) -> Self {
        let clock = MockClock::at(noon());
        let kit = kit(Role::Registration, db, clock.clone());
        let state = web::Data::new(AppState::new(TimeDelta::days(14), must_confirm));
        let shared = Kit::clone(&kit);
        let service = app(kit, routes(), |config| {
            config.app_data(state);
        });
        let service = Rc::new(service.await);
        let send = move |request| -> LocalBoxFuture<'static, ServiceResponse<BoxBody>> {
            let service = service.clone();
            Box::pin(async move { service.call(request).await.expect("an answer") })
        };
        Self {
            clock,
            kit: shared,
            send: Rc::new(send),
        }
    }

    pub fn nobody(&self) -> As {
        As {
            send: self.send.clone(),
            headers: Vec::new(),
            peer: None,
        }
    }

    pub fn with_token(&self, token: &str) -> As {
        self.nobody()
            .header("authorization", &format!("Bearer {token}"))
    }

    pub fn of(&self, person: &Person) -> As {
        self.with_token(&person.token)
    }

    /// As a browser does.
    pub fn browser(&self, person: &Person) -> As {
        self.nobody()
            .header("cookie", &person.cookie().to_string())
            .header("accept", "text/html")
    }
}

/// Somebody who calls.
#[derive(Clone)]
pub struct As {
    send: Rc<Send>,
    headers: Vec<(String, String)>,
    peer: Option<IpAddr>,
}

impl As {
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    pub fn from(mut self, address: &str) -> Self {
        self.peer = Some(address.parse().unwrap());
        self
    }

    pub fn key(self, key: &str) -> Self {
        self.header("idempotency-key", key)
    }

    pub async fn get(&self, path: &str) -> (u16, Value) {
        self.json(TestRequest::get().uri(path)).await
    }

    pub async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        self.json(TestRequest::post().uri(path).set_json(body))
            .await
    }

    pub async fn patch(&self, path: &str, body: Value) -> (u16, Value) {
        self.json(TestRequest::patch().uri(path).set_json(body))
            .await
    }

    pub async fn delete(&self, path: &str) -> (u16, Value) {
        self.json(TestRequest::delete().uri(path)).await
    }

    pub async fn page(&self, path: &str) -> (u16, String) {
        self.text(TestRequest::get().uri(path)).await
    }

    /// Sends a form; the text is the page, or where it leads.
    pub async fn form(&self, path: &str, fields: &[(&str, &str)]) -> (u16, String) {
        self.text(TestRequest::post().uri(path).set_form(fields))
            .await
    }

    /// What a browser does: reads the page for its CSRF token, then sends the form.
    pub async fn submit(&self, page: &str, path: &str, fields: &[(&str, &str)]) -> (u16, String) {
        let (status, html) = self.page(page).await;
        assert_eq!(status, 200, "{html}");
        let (_, rest) = html
            .split_once(r#"name="_csrf" value=""#)
            .expect("a form on the page");
        let (token, _) = rest.split_once('"').expect("an end of the attribute");
        let mut fields = fields.to_vec();
        fields.push(("_csrf", token));
        self.form(path, &fields).await
    }

    pub async fn call(&self, mut request: TestRequest) -> ServiceResponse<BoxBody> {
        if let Some(peer) = self.peer {
            request = request.peer_addr((peer, 5).into());
        }
        for (name, value) in &self.headers {
            request = request.insert_header((name.as_str(), value.as_str()));
        }
        (self.send)(request.to_request()).await
    }

    async fn json(&self, request: TestRequest) -> (u16, Value) {
        let response = self.call(request).await;
        let status = response.status().as_u16();
        let body = test::read_body(response).await;
        (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
    }

    async fn text(&self, request: TestRequest) -> (u16, String) {
        let response = self.call(request).await;
        let status = response.status().as_u16();
        if let Some(location) = response.headers().get("location") {
            return (status, location.to_str().expect("a location").to_owned());
        }
        let body = test::read_body(response).await;
        (status, String::from_utf8(body.to_vec()).expect("a text"))
    }
}

/// So that a missing grant fails here, not in production.
async fn with_rights_of_role(owner: &PgPool, connections: u32) -> PgPool {
    let options = db::options((*owner.connect_options()).clone(), Role::Registration)
        .options([("role", Role::Registration.login())]);
    PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(std::time::Duration::from_secs(10))
        .connect_with(options)
        .await
        .expect("a pool")
}
