//! For the tests of this role: its API as its callers see it, with the rights that its login has and a
//! store that enforces the policy of the buckets.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;

use actix_http::Request;
use actix_web::body::BoxBody;
use actix_web::dev::{Service, ServiceResponse};
use actix_web::test::{self, TestRequest};
use actix_web::web;
use futures_util::future::LocalBoxFuture;
use molar_domain::MockClock;
use molar_domain::limits::Caps;
use molar_objects::embedded::Server;
use molar_objects::{BucketNames, Grants, Key, Role as Holder, S3Args, Store};
use molar_service::Role;
use molar_testkit::as_role;
use molar_web_kit::testing::{Person, app, kit, noon};
use serde_json::{Value, json};
use sqlx::PgPool;
use tempfile::TempDir;
use tokio::sync::Semaphore;

use crate::outside::{Internet, Network};
use crate::routes;
use crate::state::AppState;

type Send = dyn Fn(Request) -> LocalBoxFuture<'static, ServiceResponse<BoxBody>>;

pub struct Api {
    send: Rc<Send>,
}

/// The API beside a store that runs.
pub struct World {
    pub api: Api,
    /// As the role reaches it.
    pub store: Store,
    _server: Server,
    _folder: TempDir,
}

impl World {
    pub async fn new(owner: &PgPool) -> Self {
        Self::with_network(owner, Arc::new(Internet)).await
    }

    pub async fn with_network(owner: &PgPool, network: Arc<dyn Network>) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let keys: BTreeMap<_, _> = Holder::ALL
            .into_iter()
            .map(|role| (role, key(role)))
            .collect();
        let grants = Grants::of_roles(BucketNames::default(), &keys);
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let server = Server::bind(address, folder.path(), grants)
            .await
            .expect("a server");
        let endpoint = server.endpoint();
        let owner_store = store(&endpoint, Holder::Owner);
        owner_store.ensure_buckets().await.expect("buckets");
        Self {
            store: store(&endpoint, Holder::Tracks),
            api: Api::with(
                owner,
                store(&endpoint, Holder::Tracks),
                Caps::default(),
                network,
            )
            .await,
            _server: server,
            _folder: folder,
        }
    }
}

fn key(role: Holder) -> Key {
    Key {
        access_key: format!("key-of-{role}"),
        secret_key: format!("secret of {role}").into(),
    }
}

fn store(endpoint: &str, role: Holder) -> Store {
    let key = key(role);
    let args = S3Args {
        endpoint: endpoint.parse().expect("a URL"),
        public_endpoint: None,
        region: "us-east-1".to_owned(),
        access_key: key.access_key,
        secret_key: key.secret_key,
        bucket_prefix: "molar-".to_owned(),
    };
    Store::connect(&args).expect("a store")
}

impl Api {
    /// With a store that does not answer.
    pub async fn new(owner: &PgPool) -> Self {
        Self::with_caps(owner, Caps::default()).await
    }

    /// The same on a platform whose operator caps the limits of phases.
    pub async fn with_caps(owner: &PgPool, caps: Caps) -> Self {
        let store = store("http://127.0.0.1:1", Holder::Tracks);
        Self::with(owner, store, caps, Arc::new(Internet)).await
    }

    async fn with(owner: &PgPool, store: Store, caps: Caps, network: Arc<dyn Network>) -> Self {
        let db = as_role(owner, Role::Tracks).await;
        let kit = kit(Role::Tracks, db, MockClock::at(noon()));
        let openapi = crate::openapi().to_json().expect("a document").into();
        let caps = Arc::new(caps);
        let state = web::Data::new(AppState {
            store,
            caps,
            network,
            fetching: Arc::new(Semaphore::new(1)),
            reports: Arc::new(Semaphore::new(4)),
            openapi,
        });
        let service = app(kit, routes(), |config| {
            config.app_data(state);
        });
        let service = Rc::new(service.await);
        let send = move |request| -> LocalBoxFuture<'static, ServiceResponse<BoxBody>> {
            let service = service.clone();
            Box::pin(async move { service.call(request).await.expect("an answer") })
        };
        Self {
            send: Rc::new(send),
        }
    }

    pub fn nobody(&self) -> As {
        As {
            send: self.send.clone(),
            token: None,
            cookie: None,
        }
    }

    pub fn with_token(&self, token: &str) -> As {
        As {
            send: self.send.clone(),
            token: Some(token.to_owned()),
            cookie: None,
        }
    }

    pub fn of(&self, person: &Person) -> As {
        self.with_token(&person.token)
    }

    /// As a browser calls.
    pub fn browser(&self, person: &Person) -> As {
        As {
            send: self.send.clone(),
            token: None,
            cookie: Some(person.cookie().to_string()),
        }
    }
}

/// Somebody who calls.
#[derive(Clone)]
pub struct As {
    send: Rc<Send>,
    token: Option<String>,
    cookie: Option<String>,
}

impl As {
    pub async fn get(&self, path: &str) -> (u16, Value) {
        self.json(TestRequest::get().uri(path)).await
    }

    pub async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        self.json(TestRequest::post().uri(path).set_json(body))
            .await
    }

    pub async fn put(&self, path: &str, body: Value) -> (u16, Value) {
        self.json(TestRequest::put().uri(path).set_json(body)).await
    }

    pub async fn patch(&self, path: &str, body: Value) -> (u16, Value) {
        self.json(TestRequest::patch().uri(path).set_json(body))
            .await
    }

    /// As text, or where it leads.
    pub async fn page(&self, path: &str) -> (u16, String) {
        let request = TestRequest::get()
            .uri(path)
            .insert_header(("accept", "text/html"));
        self.text(request).await
    }

    /// Fills in the form of a page and sends it, with the page's own token.
    pub async fn submit(&self, page: &str, path: &str, fields: &[(&str, &str)]) -> (u16, String) {
        let token = self.csrf(page).await;
        let mut fields = fields.to_vec();
        fields.push(("_csrf", &token));
        let request = TestRequest::post()
            .uri(path)
            .insert_header(("accept", "text/html"))
            .set_form(&fields);
        self.text(request).await
    }

    /// As [`As::submit`], of a form with a file in it: these parts, each a name, the name of a file and what is in it.
    pub async fn send_form(&self, path: &str, parts: &[(&str, &str, &[u8])]) -> (u16, String) {
        let mut body = Vec::new();
        for (name, file, content) in parts {
            let file = match *file {
                "" => String::new(),
                file => format!("; filename=\"{file}\""),
            };
            let head = format!(
                "--of-tests\r\ncontent-disposition: form-data; name=\"{name}\"{file}\r\n\r\n"
            );
            body.extend_from_slice(head.as_bytes());
            body.extend_from_slice(content);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(b"--of-tests--\r\n");
        let request = TestRequest::post()
            .uri(path)
            .insert_header(("accept", "text/html"))
            .insert_header(("content-type", "multipart/form-data; boundary=of-tests"))
            .set_payload(body);
        self.text(request).await
    }

    /// The token of the forms of a page.
    pub async fn csrf(&self, page: &str) -> String {
        let (status, html) = self.page(page).await;
        assert_eq!(status, 200, "{html}");
        let (_, rest) = html
            .split_once(r#"name="_csrf" value=""#)
            .expect("a form on the page");
        let (token, _) = rest.split_once('"').expect("an end of the attribute");
        token.to_owned()
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

    async fn json(&self, request: TestRequest) -> (u16, Value) {
        let response = self.call(request).await;
        let status = response.status().as_u16();
        let body = test::read_body(response).await;
        (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
    }

    async fn call(&self, mut request: TestRequest) -> ServiceResponse<BoxBody> {
        if let Some(token) = &self.token {
            request = request.insert_header(("authorization", format!("Bearer {token}")));
        }
        if let Some(cookie) = &self.cookie {
            request = request.insert_header(("cookie", cookie.as_str()));
        }
        (self.send)(request.to_request()).await
    }
}

/// With `[id]` and `[hash]` for what differs from run to run.
pub fn blank(value: Value) -> Value {
    match value {
        Value::String(text) if text.parse::<uuid::Uuid>().is_ok() => json!("[id]"),
        Value::String(text) if text.len() == 64 && hex::decode(&text).is_ok() => json!("[hash]"),
        Value::Array(items) => items.into_iter().map(blank).collect(),
        Value::Object(members) => {
            let members = members
                .into_iter()
                .map(|(name, value)| (name, blank(value)));
            Value::Object(members.collect())
        }
        other => other,
    }
}

/// Puts an object where an announcement says, with the headers that were signed; the store's status.
pub async fn put_at(upload: &Value, body: &[u8]) -> u16 {
    // An error says that another test was first, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let method = upload["method"].as_str().expect("a method");
    let url = upload["url"].as_str().expect("a URL");
    let http = reqwest::Client::new();
    let mut request = http.request(method.parse().expect("a method"), url);
    for (name, value) in upload["headers"].as_object().into_iter().flatten() {
        request = request.header(name, value.as_str().unwrap_or_default());
    }
    let answer = request.body(body.to_vec()).send().await;
    answer.expect("an answer").status().as_u16()
}
