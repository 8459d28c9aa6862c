//! A world for the role's tests: a challenge that is open by the database's clock, a team, a signed-in
//! member, and a real object store.

use std::collections::BTreeMap;
use std::io::{Cursor, Write};
use std::net::SocketAddr;

use actix_web::body::BoxBody;
use actix_web::dev::{Service, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::{test, web};
use flate2::Compression;
use flate2::write::GzEncoder;
use molar_domain::MockClock;
use molar_objects::embedded::Server;
use molar_objects::{BucketNames, Grants, Key, S3Args, Store};
use molar_service::Role;
use molar_service::lease::{LeaseLoop, Settings};
use molar_testkit::{Challenge, ChallengeBuilder, PhaseBuilder, Team, TeamBuilder, as_role, noon};
use molar_web_kit::Kit;
use molar_web_kit::testing::{self, Person};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use sqlx::PgPool;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::checks::{Check, Checker};
use crate::routes;
use crate::state::State;
use crate::submissions::changes::Changes;

/// Open for as long as anybody will run these tests.
pub fn open_phase() -> PhaseBuilder {
    let at = |text: &str| text.parse().unwrap();
    PhaseBuilder::new("validation").window(at("2020-01-01T00:00:00Z"), at("2100-01-01T00:00:00Z"))
}

pub struct World {
    /// With the rights of the role.
    pub db: PgPool,
    pub challenge: Challenge,
    pub team: Team,
    pub member: Person,
    pub store: Store,
    /// As workers' URLs are signed.
    pub execution: Store,
    _server: Server,
    folder: TempDir,
}

impl World {
    pub async fn new(pool: &PgPool) -> Self {
        Self::with(pool, ChallengeBuilder::new("sts").phase(open_phase())).await
    }

    pub async fn with(pool: &PgPool, challenge: ChallengeBuilder) -> Self {
        let challenge = challenge.insert(pool).await;
        let member = testing::person(pool, "Ada").await;
        let team = TeamBuilder::new(&challenge, "Ours")
            .member(member.id)
            .insert(pool)
            .await;
        let folder = tempfile::tempdir().unwrap();
        let (server, store, execution) = serve(folder.path()).await;
        Self {
            db: as_role(pool, Role::Submission).await,
            challenge,
            team,
            member,
            store,
            execution,
            _server: server,
            folder,
        }
    }

    /// A store that does not answer.
    pub fn nowhere(&self) -> Store {
        connect("http://127.0.0.1:1", molar_objects::Role::Submission)
    }

    pub fn body(&self, size: u64) -> Value {
        json!({
            "phase_id": self.challenge.phase_id,
            "team_id": self.team.id,
            "size_bytes": size,
            "sha256": "0".repeat(64),
        })
    }

    async fn app(
        &self,
    ) -> impl Service<actix_http::Request, Response = ServiceResponse<BoxBody>, Error = actix_web::Error>
    {
        let nobody_follows = web::Data::new(Changes::new(CancellationToken::new()));
        self.app_with(&nobody_follows).await
    }

    pub fn kit(&self) -> web::Data<Kit> {
        testing::kit(Role::Submission, self.db.clone(), MockClock::at(noon()))
    }

    /// With what is followed.
    pub async fn app_with(
        &self,
        changes: &web::Data<Changes>,
    ) -> impl Service<
        actix_http::Request,
        Response = ServiceResponse<BoxBody>,
        Error = actix_web::Error,
    > + use<> {
        let (kit, changes) = (self.kit(), changes.clone());
        let state = web::Data::new(State {
            store: self.store.clone(),
            part_url_life: std::time::Duration::from_secs(3600),
        });
        testing::app(kit, routes(), |config| {
            config.app_data(state).app_data(changes);
        })
        .await
    }

    async fn call(&self, request: test::TestRequest) -> (StatusCode, Vec<u8>) {
        let app = self.app().await;
        let answer = test::call_service(&app, request.to_request()).await;
        let status = answer.status();
        (status, test::read_body(answer).await.to_vec())
    }

    async fn json(&self, request: test::TestRequest) -> (StatusCode, Value) {
        let (status, body) = self.call(request).await;
        let shown = String::from_utf8_lossy(&body).into_owned();
        let json = serde_json::from_slice(&body).unwrap_or_else(|_| panic!("{status}: {shown}"));
        (status, json)
    }

    pub async fn post_as(&self, person: &Person, path: &str, body: &Value) -> (StatusCode, Value) {
        let request = test::TestRequest::post()
            .uri(path)
            .insert_header(person.bearer());
        self.json(request.set_json(body)).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> (StatusCode, Value) {
        self.post_as(&self.member, path, body).await
    }

    pub async fn post_keyed(&self, path: &str, body: &Value, key: &str) -> (StatusCode, Value) {
        let request = test::TestRequest::post()
            .uri(path)
            .insert_header(self.member.bearer());
        let request = request.insert_header(("idempotency-key", key));
        self.json(request.set_json(body)).await
    }

    pub async fn get_as(&self, person: &Person, path: &str) -> (StatusCode, Value) {
        let request = test::TestRequest::get()
            .uri(path)
            .insert_header(person.bearer());
        self.json(request).await
    }

    pub async fn get(&self, path: &str) -> (StatusCode, Value) {
        self.get_as(&self.member, path).await
    }

    /// As a browser of the member.
    pub async fn page(&self, path: &str) -> (StatusCode, String) {
        self.page_as(&self.member, path).await
    }

    pub async fn page_as(&self, person: &Person, path: &str) -> (StatusCode, String) {
        let request = test::TestRequest::get().uri(path).cookie(person.cookie());
        let (status, body) = self
            .call(request.insert_header(("accept", "text/html")))
            .await;
        (status, String::from_utf8(body).unwrap())
    }

    /// Sends a form as a browser of the member does; returns the status.
    pub async fn form(&self, path: &str, csrf: &str) -> StatusCode {
        let request = test::TestRequest::post()
            .uri(path)
            .cookie(self.member.cookie());
        self.call(request.set_form([("_csrf", csrf)])).await.0
    }

    /// Creates a submission of a file of that content and uploads nothing.
    pub async fn create(&self, content: &str) -> Uuid {
        self.create_declaring(content.as_bytes()).await["id"]
            .as_str()
            .unwrap()
            .parse()
            .unwrap()
    }

    async fn create_declaring(&self, content: &[u8]) -> Value {
        let mut body = self.body(content.len() as u64);
        body["sha256"] = json!(hex::encode(Sha256::digest(content)));
        let (status, created) = self.post("/api/v1/submissions", &body).await;
        assert_eq!(status, StatusCode::CREATED, "{created:#}");
        created
    }

    /// Declares one file and puts another; returns what `complete` takes.
    pub async fn put(&self, declared: &[u8], content: &[u8]) -> (Uuid, Value) {
        let created = self.create_declaring(declared).await;
        let id = created["id"].as_str().unwrap().parse().unwrap();
        let part = self.sign(id, content).await;
        // Only for its client without TLS: the store is on loopback.
        let etag = put_plain(&part, content).await;
        (id, json!({"parts": [{"number": 1, "etag": etag}]}))
    }

    /// The first part, to be put with that content.
    pub async fn sign(&self, id: Uuid, content: &[u8]) -> Value {
        let sha256 = hex::encode(Sha256::digest(content));
        let body = json!({"parts": [{"number": 1, "sha256": sha256}]});
        let path = format!("/api/v1/submissions/{id}/sign");
        let (status, signed) = self.post(&path, &body).await;
        assert_eq!(status, StatusCode::OK, "{signed:#}");
        signed["parts"][0].clone()
    }

    /// Of what arrived.
    pub async fn complete(&self, id: Uuid) -> Value {
        let path = format!("/api/v1/submissions/{id}/complete");
        let (status, answer) = self.post(&path, &json!({})).await;
        assert_eq!(status, StatusCode::OK, "{answer:#}");
        answer
    }

    pub async fn submit_as(&self, declared: &[u8], content: &[u8]) -> Uuid {
        let (id, parts) = self.put(declared, content).await;
        let path = format!("/api/v1/submissions/{id}/complete");
        let (status, answer) = self.post(&path, &parts).await;
        assert_eq!(status, StatusCode::OK, "{answer:#}");
        id
    }

    pub async fn submit(&self, content: &[u8]) -> Uuid {
        self.submit_as(content, content).await
    }

    pub async fn find(&self, id: Uuid) -> Value {
        self.get(&format!("/api/v1/submissions/{id}")).await.1
    }

    pub fn check(&self) -> Check {
        Check {
            db: self.db.clone(),
            store: self.store.clone(),
            folder: self.folder.path().to_owned(),
            checker: Checker::Here,
        }
    }

    /// Works off what waits for a check; returns how much that was.
    pub async fn run_checks(&self) -> usize {
        // Long after the database's clock, by which uploads are completed.
        let later = "2099-01-01T00:00:00Z".parse().unwrap();
        let clock = std::sync::Arc::new(MockClock::at(later));
        let work = LeaseLoop::new(self.check(), Settings::default(), clock);
        work.run_once().await.unwrap()
    }
}

async fn serve(folder: &std::path::Path) -> (Server, Store, Store) {
    let roles = molar_objects::Role::ALL.into_iter();
    let keys: BTreeMap<_, _> = roles.map(|role| (role, key(role))).collect();
    let grants = Grants::of_roles(BucketNames::default(), &keys);
    let at = SocketAddr::from(([127, 0, 0, 1], 0));
    let server = Server::bind(at, &folder.join("s3"), grants).await.unwrap();
    let store = |role| connect(&server.endpoint(), role);
    store(molar_objects::Role::Owner)
        .ensure_buckets()
        .await
        .unwrap();
    let execution = store(molar_objects::Role::Execution);
    let store = store(molar_objects::Role::Submission);
    (server, store, execution)
}

/// A `PUT` over plain HTTP; returns the answer's ETag.
async fn put_plain(part: &Value, content: &[u8]) -> String {
    let answer = try_put(part, content).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let mut lines = answer.lines();
    let etag = lines.find_map(|line| line.strip_prefix("etag: ").map(str::to_owned));
    etag.expect("an etag")
}

fn key(role: molar_objects::Role) -> Key {
    Key {
        access_key: format!("key-of-{role}"),
        secret_key: format!("secret of {role}").into(),
    }
}

fn connect(endpoint: &str, role: molar_objects::Role) -> Store {
    let key = key(role);
    Store::connect(&S3Args {
        endpoint: endpoint.parse().unwrap(),
        public_endpoint: None,
        region: "us-east-1".to_owned(),
        access_key: key.access_key,
        secret_key: key.secret_key,
        bucket_prefix: "molar-".to_owned(),
    })
    .unwrap()
}

/// The whole answer.
pub async fn try_put(part: &Value, content: &[u8]) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let url: url::Url = part["url"].as_str().unwrap().parse().unwrap();
    let address = format!("{}:{}", url.host_str().unwrap(), url.port().unwrap());
    let mut stream = tokio::net::TcpStream::connect(&address).await.unwrap();
    let checksum = part["headers"]["x-amz-checksum-sha256"].as_str().unwrap();
    let head = format!(
        "PUT {}?{} HTTP/1.1\r\nhost: {address}\r\ncontent-length: {}\r\n\
         x-amz-checksum-sha256: {checksum}\r\nconnection: close\r\n\r\n",
        url.path(),
        url.query().unwrap(),
        content.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(content).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

/// An image archive as Docker saved it for years, of these layers: the files of each.
pub fn image_archive(layers: &[&[(&str, &[u8])]], architecture: &str) -> Vec<u8> {
    image_archive_of("1000", layers, architecture)
}

/// Of an image that runs as this user.
pub fn image_archive_of(user: &str, layers: &[&[(&str, &[u8])]], architecture: &str) -> Vec<u8> {
    let layers: Vec<_> = layers.iter().map(|files| tar_of(files)).collect();
    let digest = |bytes: &[u8]| hex::encode(Sha256::digest(bytes));
    let diff_ids: Vec<_> = layers
        .iter()
        .map(|layer| format!("sha256:{}", digest(layer)))
        .collect();
    let names: Vec<_> = (0..layers.len())
        .map(|at| format!("{at}/layer.tar"))
        .collect();
    let config = json!({
        "os": "linux", "architecture": architecture, "config": {"User": user},
        "rootfs": {"type": "layers", "diff_ids": diff_ids},
    });
    let config = serde_json::to_vec(&config).unwrap();
    let config_name = format!("{}.json", digest(&config));
    let manifest = json!([{"Config": config_name, "RepoTags": null, "Layers": names}]);
    let manifest = serde_json::to_vec(&manifest).unwrap();
    let mut files: Vec<(&str, &[u8])> = vec![(&config_name, &config), ("manifest.json", &manifest)];
    files.extend(
        names
            .iter()
            .map(String::as_str)
            .zip(layers.iter().map(Vec::as_slice)),
    );
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(&tar_of(&files)).unwrap();
    gzip.finish().unwrap()
}

fn tar_of(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (path, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o755);
        header.set_cksum();
        tar.append_data(&mut header, path, *content).unwrap();
    }
    tar.into_inner().unwrap()
}

/// A good prediction for each of the cases, of the size that the builders give their cases.
pub fn predictions_zip(cases: &[&str]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for case in cases {
        let name = format!("{case}_Mask.json");
        zip.start_file(name, SimpleFileOptions::default()).unwrap();
        let prediction = r#"{"imageHeight": 8, "imageWidth": 16, "shapes":
            [{"label": "11", "points": [[1,1],[4,1],[4,4]], "shape_type": "polygon"}]}"#;
        zip.write_all(prediction.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}
