//! For the tests of this role: its API as its callers see it, with the rights that its login has.

use std::net::IpAddr;
use std::rc::Rc;

use actix_http::Request;
use actix_web::body::BoxBody;
use actix_web::dev::{Service, ServiceResponse};
use actix_web::test::{self, TestRequest};
use actix_web::web;
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::LocalBoxFuture;
use molar_domain::{ChallengeId, MockClock, TrackId};
use molar_service::Role;
use molar_service::db;
use molar_web_kit::Kit;
use molar_web_kit::testing::{Person, app, kit, noon};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;

use crate::links::{self, Purpose};
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

pub fn id_of(value: &Value) -> String {
    let id = value["id"]
        .as_str()
        .unwrap_or_else(|| panic!("no id in {value}"));
    id.parse::<uuid::Uuid>().expect("a UUID").to_string()
}

#[derive(Debug, Clone, Copy)]
pub struct Challenge {
    pub id: ChallengeId,
    pub track: TrackId,
    pub other_track: TrackId,
}

/// The challenge `demo` with an agreement, two tracks, and teams of up to three.
pub async fn challenge(owner: &PgPool) -> Challenge {
    challenge_named(owner, "demo").await
}

pub async fn challenge_named(owner: &PgPool, slug: &str) -> Challenge {
    let challenge = Challenge {
        id: ChallengeId::at(noon()),
        track: TrackId::at(noon()),
        other_track: TrackId::at(noon()),
    };
    sqlx::query!(
        "INSERT INTO tracks.challenges
             (id, slug, title, summary, zone, team_size_max, created_at, updated_at)
         VALUES ($1, $2, 'Teeth in images', 'Find them.', 'Europe/Berlin', 3, $3, $3)",
        challenge.id.0,
        slug,
        noon(),
    )
    .execute(owner)
    .await
    .expect("a challenge");
    for (position, (id, slug)) in [(challenge.track, "opg"), (challenge.other_track, "cbct")]
        .into_iter()
        .enumerate()
    {
        sqlx::query!(
            "INSERT INTO tracks.tracks (id, challenge_id, slug, title, format, labels, position)
             VALUES ($1, $2, $3, upper($3), 'labelme', '{11,12}', $4)",
            id.0,
            challenge.id.0,
            slug,
            i16::try_from(position).unwrap_or(0),
        )
        .execute(owner)
        .await
        .expect("a track");
    }
    new_agreement(owner, &challenge, "1").await;
    challenge
}

fn terms(version: &str) -> String {
    format!("Version {version}: for research only.")
}

pub async fn new_agreement(owner: &PgPool, challenge: &Challenge, version: &str) {
    sqlx::query!(
        "INSERT INTO tracks.agreement_texts (challenge_id, version, text, sha256, created_at)
         VALUES ($1, $2, $3, $4, $5)",
        challenge.id.0,
        version,
        terms(version),
        hex::encode(Sha256::digest(terms(version))),
        noon(),
    )
    .execute(owner)
    .await
    .expect("terms");
}

/// A body that signs this version.
pub fn signature(version: &str) -> Value {
    json!({
        "challenge": "demo",
        "version": version,
        "text_sha256": hex::encode(Sha256::digest(terms(version))),
        "name": "Ada Lovelace",
        "affiliation": "Analytical Society",
    })
}

/// Signs the newest of the first few versions.
pub async fn sign(api: &Api, person: &Person) {
    sign_as(&api.of(person)).await;
}

pub async fn sign_as(person: &As) {
    for version in ["2", "1"] {
        let (status, _) = person.post("/api/v1/agreements", signature(version)).await;
        if status == 201 {
            return;
        }
    }
    panic!("nothing to sign");
}

pub async fn team(api: &Api, captain: &Person, name: &str) -> String {
    let body = json!({"challenge": "demo", "name": name});
    id_of(&api.of(captain).post("/api/v1/teams", body).await.1)
}

pub async fn invitation(api: &Api, member: &Person, team: &str) -> String {
    invitation_of(&api.of(member), team).await
}

pub async fn invitation_of(member: &As, team: &str) -> String {
    let path = format!("/api/v1/teams/{team}/invitations");
    let (status, made) = member.post(&path, json!({})).await;
    assert_eq!(status, 201, "{made}");
    made["token"].as_str().expect("a token").to_owned()
}

pub async fn join(api: &Api, team: &str, member: &Person, new: &Person) {
    let token = invitation(api, member, team).await;
    let path = format!("/api/v1/invitations/{token}/accept");
    let (status, joined) = api.of(new).post(&path, json!({})).await;
    assert_eq!(status, 200, "{joined}");
}

pub async fn participation(api: &Api, member: &Person, team: &str, track: TrackId) -> String {
    participation_of(&api.of(member), team, track).await
}

pub async fn participation_of(member: &As, team: &str, track: TrackId) -> String {
    let body = json!({"team_id": team, "track_id": track});
    let (status, made) = member.post("/api/v1/participations", body).await;
    assert_eq!(status, 201, "{made}");
    id_of(&made)
}

/// A phase of the first track, open from `opens_at` for a month.
pub async fn phase(owner: &PgPool, challenge: &Challenge, opens_at: DateTime<Utc>) -> uuid::Uuid {
    let split = uuid::Uuid::now_v7();
    sqlx::query!(
        "INSERT INTO tracks.splits (id, track_id, slug, is_public, has_references)
         VALUES ($1, $2, $3, false, true)",
        split,
        challenge.track.0,
        format!("split-{split}"),
    )
    .execute(owner)
    .await
    .expect("a split");
    let phase = uuid::Uuid::now_v7();
    sqlx::query!(
        "INSERT INTO tracks.phases
             (id, track_id, slug, title, kind, split_id, position, opens_at, closes_at, is_final,
              metrics, keep, quota, limits, device_class)
         VALUES ($1, $2, $3, 'Final', 'predictions', $4, 1, $5, $6, false, '{IA}', 'latest', '{}', '{}', 'any')",
        phase,
        challenge.track.0,
        format!("phase-{phase}"),
        split,
        opens_at,
        opens_at + TimeDelta::days(30),
    )
    .execute(owner)
    .await
    .expect("a phase");
    phase
}

/// A phase that locks teams.
pub async fn locking_phase(owner: &PgPool, challenge: &Challenge, opens_at: DateTime<Utc>) {
    let phase = phase(owner, challenge, opens_at).await;
    sqlx::query!(
        "UPDATE tracks.phases SET locks_teams = true WHERE id = $1",
        phase
    )
    .execute(owner)
    .await
    .expect("a lock");
}

/// An accepted file: a container where it has an image, predictions otherwise.
pub async fn handed_in(
    owner: &PgPool,
    team: &str,
    by: &Person,
    phase: uuid::Uuid,
    sha256: &str,
    image: Option<&str>,
) -> uuid::Uuid {
    let id = uuid::Uuid::now_v7();
    let team: uuid::Uuid = team.parse().expect("an id");
    let kind = image.map_or("predictions", |_| "container");
    sqlx::query!(
        "INSERT INTO submission.submissions (id, phase_id, team_id, created_by, kind, created_at)
         VALUES ($1, $2, $3, $4, $5, $6)",
        id,
        phase,
        team,
        by.id.0,
        kind,
        noon(),
    )
    .execute(owner)
    .await
    .expect("a submission");
    sqlx::query!(
        "INSERT INTO submission.uploads
             (submission_id, state, object_key, multipart_id, part_size_bytes, size_bytes, sha256,
              open_until, completed_at, decided_at, image_digest, not_before)
         VALUES ($1, 'accepted', $2, 'm', 5, 5, $3, $4, $4, $4, $5, $4)",
        id,
        id.to_string(),
        sha256,
        noon(),
        image,
    )
    .execute(owner)
    .await
    .expect("an upload");
    id
}

/// A link to the image of some case.
pub async fn handed_out(
    owner: &PgPool,
    challenge: &Challenge,
    to: &Person,
    file: i64,
    at: DateTime<Utc>,
) {
    let number = u128::from(file.unsigned_abs());
    sqlx::query!(
        "INSERT INTO tracks.downloads
             (id, challenge_id, user_id, kind, file_id, place, size_bytes, handed_at, expires_at)
         VALUES ($1, $2, $3, 'image', $4, $5, 7, $6, $7)",
        uuid::Uuid::now_v7(),
        challenge.id.0,
        to.id.0,
        uuid::Uuid::from_u128(number),
        format!("opg/training/{file}.png"),
        at,
        at + TimeDelta::hours(1),
    )
    .execute(owner)
    .await
    .expect("a link");
}

/// As an organizer would have decided.
pub async fn set_state(owner: &PgPool, participation: &str, state: &str) {
    let id: uuid::Uuid = participation.parse().expect("an id");
    sqlx::query!(
        "UPDATE registration.participations SET state = $2 WHERE id = $1",
        id,
        state
    )
    .execute(owner)
    .await
    .expect("a decision");
}

/// With `[id]` and `[hash]` for what differs from run to run.
pub fn blank(value: Value) -> Value {
    match value {
        Value::String(text) if text.parse::<uuid::Uuid>().is_ok() => "[id]".into(),
        Value::String(text) if text.len() == 64 && hex::decode(&text).is_ok() => "[hash]".into(),
        Value::Array(items) => items.into_iter().map(blank).collect(),
        Value::Object(members) => Value::Object(
            members
                .into_iter()
                .map(|(name, value)| (name, blank(value)))
                .collect(),
        ),
        other => other,
    }
}

/// The secret of the newest link that was mailed, or waits to be, to this address.
pub async fn link_of(api: &Api, owner: &PgPool, purpose: Purpose, email: &str) -> String {
    let link = sqlx::query!(
        "SELECT id FROM registration.mail_links WHERE email = $1 AND purpose = $2
         ORDER BY expires_at DESC LIMIT 1",
        email,
        purpose.as_str(),
    )
    .fetch_one(owner)
    .await
    .expect("a link");
    let url = links::url(&api.kit, link.id, purpose);
    let (_, token) = url.rsplit_once("token=").expect("a token");
    token.to_owned()
}

/// Registers, with the password `correct horse`, and signs in.
pub async fn registered(api: &Api, email: &str) -> As {
    let body = json!({"email": email, "name": "Ada", "password": "correct horse"});
    let (status, made) = api.nobody().post("/api/v1/accounts", body).await;
    assert_eq!(status, 201, "{made}");
    api.with_token(
        &sign_in(api, email, "correct horse")
            .await
            .expect("a session"),
    )
}

/// The token of a new session, or the status of the refusal.
pub async fn sign_in(api: &Api, email: &str, password: &str) -> Result<String, u16> {
    let body = json!({"email": email, "password": password});
    let (status, session) = api.nobody().post("/api/v1/sessions", body).await;
    session["token"]
        .as_str()
        .map(ToOwned::to_owned)
        .ok_or(status)
}
