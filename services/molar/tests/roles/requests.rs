//! What is sent to a route so that it is its rule that decides, and not a slip in the request.

use molar_domain::limits::Limits;
use molar_web_kit::routes::RouteInfo;
use reqwest::header::{ACCEPT, LOCATION};
use reqwest::{Client, RequestBuilder, Response};
use serde_json::{Value, json};

use crate::system::System;
use crate::world::{Credential, Kind, World};

/// A route and the listener that serves it.
#[derive(Debug, Clone)]
pub struct Served {
    pub listener: &'static str,
    pub info: RouteInfo,
}

impl Served {
    pub fn is_page(&self) -> bool {
        !["/api/", "/worker/", "/assets/"]
            .iter()
            .any(|prefix| self.info.path.starts_with(prefix))
    }

    pub fn is_safe(&self) -> bool {
        self.info.method.is_safe()
    }

    pub fn name(&self) -> String {
        format!("{} {}", self.info.method, self.info.path)
    }
}

/// Of nobody in the world: the routes that want one say that it is wrong.
const PASSWORD: &str = "correct horse";

pub enum Body {
    None,
    Json(Value),
    Form(Vec<(&'static str, String)>),
}

/// The least that each route takes. What is not here is sent `{}`, or an empty form.
pub fn body(world: &World, served: &Served) -> Body {
    let challenge = &world.challenge;
    let reason = "it is a test";
    let sha256 = "0".repeat(64);
    let json = match served.info.path {
        "/api/v1/accounts" => json!({
            "email": nobody(), "name": "Nadja", "password": "correct horse",
        }),
        "/api/v1/accounts/confirm" => json!({"token": "of a test"}),
        "/api/v1/accounts/reset" => json!({"email": nobody()}),
        "/api/v1/accounts/reset/finish" => json!({"token": "of a test", "password": PASSWORD}),
        "/api/v1/me" => json!({"wants_notices": false}),
        "/api/v1/me/password" => json!({"password": PASSWORD, "new_password": "battery staple"}),
        "/api/v1/me/email" => json!({"password": PASSWORD, "email": nobody()}),
        "/api/v1/me/delete" => json!({"password": PASSWORD}),
        "/api/v1/tokens" => json!({
            "name": "of a test", "expires_in_days": 1, "scopes": ["read", "submit"],
        }),
        "/api/v1/announcements" => json!({
            "challenge": challenge.slug, "title": "News", "text": "There is news.",
        }),
        "/api/v1/questions" => json!({"challenge": challenge.slug, "text": "Why?"}),
        "/api/v1/questions/{id}/answer" => json!({"text": "Because."}),
        "/api/v1/challenges/{slug}/faq" => json!({
            "kind": "faq", "title": "Why?", "text": "Because.",
        }),
        "/api/v1/teams" => json!({"challenge": challenge.slug, "name": new_name()}),
        "/api/v1/teams/{id}/rename" => json!({"name": new_name()}),
        "/api/v1/teams/{id}/hand-over" => json!({"user_id": world.member}),
        "/api/v1/agreements" => json!({
            "challenge": challenge.slug, "version": "1", "text_sha256": text_sha256(),
            "name": "Nadja", "affiliation": "Lab",
        }),
        "/api/v1/participations" => json!({
            "team_id": world.team.id, "track_id": challenge.track_id,
        }),
        "/api/v1/participations/decide" => json!({
            "ids": [world.team.participation_id], "step": "disqualify", "reason": reason,
        }),
        "/api/v1/announcements/{id}/withdraw"
        | "/api/v1/teams/{id}/unlock"
        | "/api/v1/participations/{id}/refuse"
        | "/api/v1/participations/{id}/disqualify"
        | "/api/v1/participations/{id}/reinstate"
        | "/api/v1/participations/{id}/rule-out"
        | "/api/v1/participations/{id}/rule-in"
        | "/api/v1/requests/{id}/decline"
        | "/api/v1/cases/{id}/remove"
        | "/api/v1/phases/{id}/publish"
        | "/api/v1/phases/{id}/pause"
        | "/api/v1/phases/{id}/resume"
        | "/api/v1/rescorings/{id}/publish"
        | "/api/v1/rescorings/{id}/drop"
        | "/api/v1/submissions/{id}/rerun"
        | "/api/v1/boards/imported/{id}/remove"
        | "/api/v1/case-runs/{id}/log/release" => json!({"reason": reason}),
        "/api/v1/phases/{id}" => json!({"closes_at": "2099-01-01T00:00:00Z", "reason": reason}),
        "/api/v1/challenges" => json!({"file": file(&challenge.slug), "dry_run": true}),
        "/api/v1/splits/{id}/cases" => json!({"cases": [{
            "name": "Case_99", "image_name": "Case_99.png", "size_bytes": 5, "sha256": sha256,
            "reference": null,
        }]}),
        "/api/v1/splits/{id}/cases/stored" => json!({"names": ["Case_01"]}),
        "/api/v1/splits/{id}/corrections" => json!({"reason": reason, "cases": [{
            "name": "Case_01", "size_bytes": 5, "sha256": sha256,
        }]}),
        "/api/v1/tracks/{id}/packs" => json!({
            "size_bytes": 5, "sha256": sha256, "samples": [{
                "split": "training", "case": "Canary_01",
                "image_sha256": sha256, "reference_sha256": sha256,
            }],
        }),
        "/api/v1/boards/imported" => json!({
            "challenge": challenge.slug, "slug": "new", "title": "New", "table": "team,IA\nOurs,0.5\n",
        }),
        "/api/v1/phases/{id}/awards" => json!({"awards": []}),
        "/api/v1/phases/{id}/finalists" => json!({"top": 1, "reason": reason}),
        "/api/v1/finalists/{id}/report" => json!({"size_bytes": 5, "sha256": sha256}),
        "/api/v1/finalists/{id}/report/stored" => json!({"sha256": sha256}),
        "/api/v1/tracks/{id}/packs/stored" => json!({"sha256": sha256}),
        "/api/v1/rescorings" => json!({
            "phase_id": challenge.phase_id, "reason": reason, "scope": "everything",
            "confirm": format!("{}/teeth/validation", challenge.slug),
        }),
        "/api/v1/submissions" => json!({
            "phase_id": challenge.phase_id, "team_id": world.team.id,
            "size_bytes": 4096, "sha256": sha256,
        }),
        "/api/v1/submissions/{id}/sign" => json!({"parts": [{"number": 1, "sha256": sha256}]}),
        "/worker/v1/enrol" => json!({
            "token": world.enrolment, "name": "node-99", "slots": 1, "gpus": 0,
            "slot_memory_bytes": Limits::default().memory_bytes, "device_class": "cpu",
            "device": {},
        }),
        _ => return form(world, served),
    };
    Body::Json(json)
}

fn form(world: &World, served: &Served) -> Body {
    let text = |text: &str| text.to_owned();
    let (slug, reason) = (world.challenge.slug.clone(), ("reason", text("a test")));
    let fields = match served.info.path {
        _ if served.is_safe() => return Body::None,
        "/account/confirm" => vec![("token", text("of a test"))],
        "/account/reset" => vec![("email", nobody())],
        "/account/reset/finish" => {
            vec![("token", text("of a test")), ("password", text(PASSWORD))]
        }
        "/account/password" => vec![
            ("password", text(PASSWORD)),
            ("new_password", text("battery staple")),
        ],
        "/account/email" => vec![("password", text(PASSWORD)), ("email", nobody())],
        "/account/delete" => vec![("password", text(PASSWORD))],
        "/account/tokens" => vec![
            ("name", text("of a test")),
            ("expires_in_days", text("1")),
            ("read", text("on")),
        ],
        "/organize/announcements" => vec![
            ("challenge", slug),
            ("title", text("News")),
            ("text", text("There is news.")),
        ],
        "/teams/{id}/rename" => vec![("name", new_name())],
        "/teams/{id}/hand-over" | "/teams/{id}/remove" => {
            vec![("user_id", world.member.to_string())]
        }
        "/questions" => vec![("challenge", slug), ("text", text("Why?"))],
        "/challenges/{slug}/faq" => vec![
            ("kind", text("faq")),
            ("title", text("Why?")),
            ("text", text("Because.")),
        ],
        "/organize/questions/{slug}/{id}" => vec![
            ("text", text("Because.")),
            ("question", String::new()),
            ("answer", String::new()),
        ],
        "/organize/finalists/{id}" => vec![("act", text("lock"))],
        "/organize/participations/{id}" => vec![("decision", text("disqualify")), reason],
        "/organize/participations" => vec![
            ("id", world.team.participation_id.to_string()),
            ("decision", text("disqualify")),
            reason,
        ],
        "/organize/participations/{id}/eligibility" => vec![("ruling", text("out")), reason],
        "/join/{challenge}/agreement" => vec![
            ("version", text("1")),
            ("text_sha256", text_sha256()),
            ("name", text("Nadja")),
            ("affiliation", text("Lab")),
        ],
        "/join/{challenge}/team" => vec![("team", format!("Team {}", world.worker.simple()))],
        "/join/{challenge}/participation" => vec![
            ("team_id", world.team.id.to_string()),
            ("track_id", world.challenge.track_id.to_string()),
        ],
        "/organize/challenges/{slug}/phases/{id}" => vec![("act", text("pause")), reason],
        "/organize/file/plan" => vec![("file", file(&slug))],
        // The table, in the letters that the page before sends: team,IA and Ours,0.5.
        "/organize/boards/{challenge}/import" => vec![
            ("slug", text("new")),
            ("title", text("New")),
            ("table", text("dGVhbSxJQQpPdXJzLDAuNQo")),
        ],
        "/organize/file/apply" => vec![("file", file(&slug)), ("plan", "0".repeat(64)), reason],
        "/organize/cases/{id}/remove" => {
            vec![("split_id", world.challenge.split_id.to_string()), reason]
        }
        "/organize/rescorings" => vec![
            ("phase_id", world.challenge.phase_id.to_string()),
            ("scope", text("everything")),
            ("confirm", format!("{slug}/teeth/validation")),
            reason,
        ],
        "/organize/announcements/{id}/withdraw"
        | "/organize/requests/{id}/decline"
        | "/organize/phases/{id}/publish"
        | "/organize/rescorings/{id}/publish"
        | "/organize/rescorings/{id}/drop"
        | "/teams/{id}/unlock"
        | "/organize/submissions/{id}/rerun"
        | "/case-runs/{id}/log/release" => vec![reason],
        _ if served.is_page() => Vec::new(),
        _ => return Body::Json(json!({})),
    };
    Body::Form(fields)
}

/// An address that nobody has yet.
fn nobody() -> String {
    format!("{}@molar.test", uuid::Uuid::new_v4())
}

fn new_name() -> String {
    format!("Team {}", uuid::Uuid::new_v4().simple())
}

fn query(world: &World, path: &str) -> String {
    let challenge = &world.challenge;
    match path {
        "/api/v1/phases" => format!("?challenge={}&track=teeth&phase=validation", challenge.slug),
        "/api/v1/evaluations" => format!("?submission_id={}", world.submission),
        "/api/v1/submissions/quota" => {
            format!("?phase_id={}&team_id={}", challenge.phase_id, world.team.id)
        }
        "/api/v1/submissions/files" => {
            format!("?what=predictions&phase_id={}", challenge.phase_id)
        }
        "/api/v1/evaluations/outputs" | "/api/v1/evaluations/scores.csv" => {
            format!("?phase_id={}", challenge.phase_id)
        }
        "/api/v1/submissions/unfinished" => format!("?team_id={}", world.team.id),
        "/api/v1/announcements" => format!("?challenge={}", challenge.slug),
        "/questions/new" => format!("?challenge={}", challenge.slug),
        "/account/confirm" => "?token=of-a-test".to_owned(),
        "/submissions/new" => format!("?phase={}", challenge.phase_id),
        "/api/v1/audit" | "/organize/audit" => format!("?challenge_id={}", challenge.id),
        "/api/v1/audit/export" => format!("?format=csv&challenge_id={}", challenge.id),
        _ => String::new(),
    }
}

/// The path with something of the world in place of each parameter.
pub fn path(world: &World, pattern: &str) -> String {
    let mut noun = "";
    let mut path = String::new();
    for segment in pattern.split('/').skip(1) {
        path.push('/');
        match segment.strip_prefix('{') {
            Some(rest) => {
                let (name, ending) = rest.split_once('}').unwrap();
                let value = world.parameter(noun, name);
                path += &value.unwrap_or_else(|| {
                    panic!("{pattern}: `World::parameter` does not say what {{{name}}} after `{noun}` is")
                });
                path += ending;
            }
            None => {
                noun = segment;
                path += segment;
            }
        }
    }
    path + &query(world, pattern)
}

/// Sends the request as that kind of caller: to pages as a browser does.
pub async fn send(
    client: &Client,
    system: &System,
    world: &World,
    kind: Kind,
    served: &Served,
) -> Response {
    let url = system.url(served.listener, &path(world, served.info.path));
    let method = served.info.method.as_str().parse().unwrap();
    let mut request = client.request(method, url);
    let mut csrf = None;
    request = match world.credential(kind) {
        Credential::Nothing => request,
        Credential::Key(key) => request.bearer_auth(key),
        Credential::Person(person) if served.is_page() => {
            if !served.is_safe() {
                csrf = Some(csrf_of(client, system, &person.session).await);
            }
            request.header("cookie", format!("molar_session={}", person.session))
        }
        Credential::Person(person) => request.bearer_auth(&person.token),
    };
    if served.is_page() {
        request = request.header(ACCEPT, "text/html");
    }
    with_body(request, body(world, served), csrf)
        .send()
        .await
        .unwrap()
}

fn with_body(request: RequestBuilder, body: Body, csrf: Option<String>) -> RequestBuilder {
    match body {
        Body::None => request,
        Body::Json(json) => request.json(&json),
        Body::Form(mut fields) => {
            fields.extend(csrf.map(|csrf| ("_csrf", csrf)));
            request.form(&fields)
        }
    }
}

async fn csrf_of(client: &Client, system: &System, session: &str) -> String {
    let request = client
        .get(system.url("registration", "/account"))
        .header("cookie", format!("molar_session={session}"));
    let page = request.send().await.unwrap().text().await.unwrap();
    let (_, rest) = page.split_once(r#"name="_csrf" value=""#).unwrap();
    rest.split_once('"').unwrap().0.to_owned()
}

/// What the matrix says of an answer: how it was refused, or `ok` for everything that is the
/// route's own to say, a conflict or a slip included.
pub fn class(answer: &Response) -> String {
    let location = answer.headers().get(LOCATION);
    let leads_to_the_door =
        location.is_some_and(|to| to.to_str().is_ok_and(|to| to.starts_with("/login?next=")));
    match answer.status().as_u16() {
        303 if leads_to_the_door => "login".to_owned(),
        status @ (401 | 403 | 404 | 405 | 429 | 500..) => status.to_string(),
        _ => "ok".to_owned(),
    }
}

/// Of the terms that [`molar_testkit::ChallengeBuilder`] writes.
fn text_sha256() -> String {
    use sha2::Digest as _;
    hex::encode(sha2::Sha256::digest(
        "Use the data for this challenge only.",
    ))
}

/// The least of a challenge file.
fn file(slug: &str) -> String {
    include_str!("challenge.toml").replace("SLUG", slug)
}
