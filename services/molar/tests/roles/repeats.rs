//! Every create that the document of the API names, sent again.

use molar_web_kit::openapi;
use reqwest::{Client, Response, StatusCode};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, PgPool};

use crate::requests::{Body, Served, body, path};
use crate::system::System;
use crate::world::{Credential, Kind, World};
use crate::{client, routes};

/// Creates whose answer is a secret and nothing else: they take no key.
const NO_KEY: [&str; 1] = ["/api/v1/sessions"];

/// They answer 202 and create nothing that a second time would double, so they take no key.
const NOTHING_MADE: [&str; 6] = [
    // Each asks for a mail with a link, slowed by the limiter; whoever asks again wants another.
    "/api/v1/accounts/reset",
    "/api/v1/me/confirmation",
    "/api/v1/me/email",
    // A step of one thing. 202: it waits for a second organizer, and the database keeps one open request of each.
    "/api/v1/participations/{id}/disqualify",
    "/api/v1/phases/{id}/publish",
    "/api/v1/rescorings/{id}/publish",
];

/// Who creates, where it is not the captain.
fn creator(path: &str) -> Kind {
    match path {
        "/api/v1/accounts" | "/api/v1/sessions" => Kind::Anonymous,
        "/api/v1/agreements" | "/api/v1/teams" | "/api/v1/tokens" => Kind::NoTeam,
        "/api/v1/workers/enrolment-tokens" => Kind::Admin,
        "/api/v1/announcements"
        | "/api/v1/challenges/{slug}/faq"
        | "/api/v1/phases/{id}/finalists"
        | "/api/v1/boards/imported"
        | "/api/v1/rescorings"
        | "/api/v1/submissions/{id}/rerun" => Kind::Organizer,
        _ => Kind::Captain,
    }
}

/// The POSTs that answer 201 or 202, by the document.
fn creates() -> Vec<Served> {
    let document: Value = serde_json::from_str(&molar::roles::openapi().unwrap()).unwrap();
    let mut found = routes();
    found.retain(|served| {
        let path = openapi::documented_path(served.info.path);
        let answers = &document["paths"][path]["post"]["responses"];
        served.info.method == "POST"
            && (answers.get("201").is_some() || answers.get("202").is_some())
    });
    for path in NOTHING_MADE {
        let count = found.len();
        found.retain(|served| served.info.path != path);
        assert!(found.len() < count, "{path} is no create by the document");
    }
    found
}

struct Sender<'a> {
    client: &'a Client,
    system: &'a System,
    world: &'a World,
    served: &'a Served,
}

impl Sender<'_> {
    async fn send(&self, key: &str, body: &Value) -> Response {
        let path = path(self.world, self.served.info.path);
        let request = self
            .client
            .post(self.system.url(self.served.listener, &path));
        let request = match self.world.credential(creator(self.served.info.path)) {
            Credential::Person(person) => request.bearer_auth(&person.token),
            _ => request,
        };
        request
            .header("idempotency-key", key)
            .json(body)
            .send()
            .await
            .unwrap()
    }
}

/// Where creates leave a row.
const TABLES: [&str; 16] = [
    "registration.users",
    "registration.tokens",
    "registration.teams",
    "registration.invitations",
    "registration.participations",
    "registration.agreements",
    "registration.questions",
    "registration.public_notes",
    "registration.announcements",
    "submission.submissions",
    "execution.enrolment_tokens",
    "execution.attempts",
    "scoring.rescorings",
    "tracks.finals",
    "tracks.finalists",
    "leaderboard.imports",
];

async fn rows(owner: &PgPool) -> i64 {
    let counts: Vec<String> = TABLES
        .iter()
        .map(|table| format!("(SELECT count(*) FROM {table})"))
        .collect();
    sqlx::query_scalar(AssertSqlSafe(format!("SELECT {}", counts.join(" + "))))
        .fetch_one(owner)
        .await
        .unwrap()
}

/// Whether two answers say the same but for what is told once (`null` later) or is signed anew.
fn agree(first: &Value, again: &Value) -> bool {
    match (first, again) {
        (_, Value::Null) => true,
        (Value::Object(first), Value::Object(again)) => first
            .iter()
            .all(|(name, value)| again.get(name).is_some_and(|other| agree(value, other))),
        (Value::Array(first), Value::Array(again)) => {
            first.len() == again.len() && first.iter().zip(again).all(|(a, b)| agree(a, b))
        }
        (Value::String(first), Value::String(again)) if first.contains("X-Amz-Signature") => {
            first.split('?').next() == again.split('?').next()
        }
        _ => first == again,
    }
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_create_that_is_sent_again_with_its_key_creates_once(owner: PgPool) {
    let (client, system) = (client(), System::start(&owner).await);
    let creates = creates();
    assert!(creates.len() > 5, "{creates:?}");
    for (number, served) in creates.iter().enumerate() {
        let name = served.name();
        let world = World::new(&owner, &system.store, number).await;
        prepare(&owner, &world, served).await;
        let sender = Sender {
            client: &client,
            system: &system,
            world: &world,
            served,
        };
        let Body::Json(body) = body(&world, served) else {
            panic!("{name} takes no JSON")
        };
        let key = format!("key-{number}");
        let first = sender.send(&key, &body).await;
        if NO_KEY.contains(&served.info.path) {
            assert_eq!(first.status(), StatusCode::BAD_REQUEST, "{name}");
            let problem: Value = first.json().await.unwrap();
            assert!(
                problem["detail"]
                    .as_str()
                    .unwrap()
                    .contains("Idempotency-Key"),
                "{problem}"
            );
            continue;
        }
        let status = first.status();
        let first: Value = first.json().await.unwrap();
        assert!(
            [201, 202].contains(&status.as_u16()),
            "{name}: {status} {first}"
        );

        let before = rows(&owner).await;
        let again = sender.send(&key, &body).await;
        assert_eq!(again.status(), status, "{name}, again");
        assert!(
            again.headers().contains_key("idempotent-replayed") || again.status() == status,
            "{name}"
        );
        let again: Value = again.json().await.unwrap();
        assert!(agree(&first, &again), "{name}: {first}\nthen {again}");
        assert_eq!(rows(&owner).await, before, "{name} created twice");
        assert!(
            !again.to_string().contains("molar_"),
            "{name}: a secret was kept: {again}"
        );

        let mut other = body.clone();
        other["other"] = json!(true);
        let other = sender.send(&key, &other).await;
        let problem: Value = other.json().await.unwrap();
        // What the handler reads first is its own affair, as long as it is no success.
        assert!(
            problem["type"] == "/problems/idempotency-mismatch" || problem["status"] == 422,
            "{name}: {problem}"
        );
        mismatch(&sender, &key, &body, &name).await;
        assert_eq!(
            rows(&owner).await,
            before,
            "{name} created with another body"
        );
    }
}

/// Another body that is good: the same with a blank in front.
async fn mismatch(sender: &Sender<'_>, key: &str, body: &Value, name: &str) {
    let path = path(sender.world, sender.served.info.path);
    let request = sender
        .client
        .post(sender.system.url(sender.served.listener, &path));
    let request = match sender.world.credential(creator(sender.served.info.path)) {
        Credential::Person(person) => request.bearer_auth(&person.token),
        _ => request,
    };
    let answer = request
        .header("idempotency-key", key)
        .header("content-type", "application/json")
        .body(format!(" {body}"))
        .send()
        .await
        .unwrap();
    assert_eq!(
        answer.status(),
        StatusCode::CONFLICT,
        "{name} with another body"
    );
    let problem: Value = answer.json().await.unwrap();
    assert_eq!(
        problem["type"], "/problems/idempotency-mismatch",
        "{name}: {problem}"
    );
}

/// Makes room for what the world has already.
async fn prepare(owner: &PgPool, world: &World, served: &Served) {
    if served.info.path == "/api/v1/rescorings" {
        let open = format!(
            "DELETE FROM scoring.rescorings WHERE id = '{}'",
            world.made.rescoring
        );
        sqlx::raw_sql(AssertSqlSafe(open))
            .execute(owner)
            .await
            .unwrap();
    }
    if served.info.path == "/api/v1/phases/{id}/finalists" {
        // A phase that has ended, with a rank, whose finalists are not named.
        let phase = world.challenge.phase_id;
        let ended = format!(
            "DELETE FROM tracks.dossiers; DELETE FROM tracks.finalists; DELETE FROM tracks.finals;
             UPDATE tracks.phases SET closes_at = now() - interval '1 day', published_at = now() WHERE id = '{phase}';
             UPDATE submission.submissions SET cancelled_at = now()
             WHERE id IN (SELECT submission_id FROM submission.in_flight WHERE phase_id = '{phase}');
             INSERT INTO leaderboard.rankings (id, phase_id, version, inputs_hash, left_out, created_at)
             VALUES ('{phase}', '{phase}', 1000, 'of a test', '{{}}', now());
             INSERT INTO leaderboard.entries (ranking_id, team_id, submission_id, evaluation_id, values, ranks, mean_rank,
                 final_rank, is_eligible, cases, failed_cases, submitted_at)
             SELECT '{phase}', team_id, submission_id, id, '{{}}', '{{}}', 1, 1, true, 1, 0, now()
             FROM scoring.evaluations WHERE phase_id = '{phase}' AND team_id = '{}' LIMIT 1",
            world.team.id
        );
        sqlx::raw_sql(AssertSqlSafe(ended))
            .execute(owner)
            .await
            .unwrap();
    }
    if served.info.path == "/api/v1/submissions/{id}/rerun" {
        // A container that is scored.
        let (zip, team) = (world.submission, world.team.id);
        let container = format!(
            "UPDATE submission.submissions SET kind = 'container' WHERE id = '{zip}';
             UPDATE submission.uploads u SET image_digest = a.image_digest
             FROM execution.attempts a WHERE u.submission_id = '{zip}' AND a.team_id = '{team}';
             INSERT INTO submission.images (digest, config_key, config_size_bytes, stored_at)
             SELECT image_digest, 'of a test', 1, now() FROM submission.uploads WHERE submission_id = '{zip}';
             INSERT INTO execution.attempts (id, submission_id, number, phase_id, team_id, state, image_digest,
                 archive_key, archive_size_bytes, limits, device_class, format, created_at, finished_at)
             SELECT gen_random_uuid(), '{zip}', 1, phase_id, team_id, state, image_digest, archive_key,
                 archive_size_bytes, limits, device_class, format, created_at, finished_at
             FROM execution.attempts WHERE team_id = '{team}'"
        );
        sqlx::raw_sql(AssertSqlSafe(container))
            .execute(owner)
            .await
            .unwrap();
    }
    if served.info.path == "/api/v1/participations" {
        let team = world.team.id.0;
        for statement in [
            "DELETE FROM registration.track_memberships WHERE team_id = $1",
            "DELETE FROM registration.participations WHERE team_id = $1",
        ] {
            #[expect(clippy::disallowed_methods, reason = "two statements of one shape")]
            sqlx::query(statement)
                .bind(team)
                .execute(owner)
                .await
                .unwrap();
        }
    }
}
