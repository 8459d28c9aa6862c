//! The log as its readers see it.

use actix_web::test::{TestRequest, call_service, read_body};
use molar_domain::UserId;
use molar_service::{Role, audit};
use molar_testkit::{Challenge, ChallengeBuilder, MockClock, PhaseBuilder, as_role, noon};
use molar_web_kit::testing::{self, Person};
use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

use crate::routes;

struct World {
    owner: PgPool,
    ours: Challenge,
    olga: Person,
    orla: Person,
    anna: Person,
}

/// A phase of ours is paused and resumed, one of theirs is paused, an admin is made.
async fn world(owner: PgPool) -> World {
    let challenge = |slug| ChallengeBuilder::new(slug).phase(PhaseBuilder::new("validation"));
    let ours = challenge("ours").insert(&owner).await;
    let theirs = challenge("theirs").insert(&owner).await;
    let olga = testing::organizer(&owner, "Olga", ours.id).await;
    let orla = testing::organizer(&owner, "Orla", theirs.id).await;
    let anna = testing::admin(&owner, "Anna").await;
    let paused = json!({"from": "running", "to": "paused"});
    let (phase, other) = (ours.phase_id.0, theirs.phase_id.0);
    log(
        &owner,
        Some(&olga),
        "phase.paused",
        phase,
        &paused,
        Some("=the store is full"),
    )
    .await;
    log(
        &owner,
        Some(&orla),
        "phase.paused",
        other,
        &paused,
        Some("a secret of theirs"),
    )
    .await;
    log(&owner, None, "admin.created", anna.id.0, &json!({}), None).await;
    let details = json!({"team_id": Uuid::nil(), "challenge_id": ours.id});
    log(
        &owner,
        None,
        "submission.withdrawn",
        Uuid::nil(),
        &details,
        None,
    )
    .await;
    World {
        owner,
        ours,
        olga,
        orla,
        anna,
    }
}

async fn log(
    owner: &PgPool,
    actor: Option<&Person>,
    action: &str,
    subject: Uuid,
    details: &Value,
    reason: Option<&str>,
) {
    let mut conn = owner.acquire().await.unwrap();
    let actor: Option<UserId> = actor.map(|person| person.id);
    audit::append(
        &mut conn,
        noon(),
        actor,
        action,
        subject,
        details.clone(),
        reason,
    )
    .await
    .unwrap();
}

impl World {
    async fn get(&self, path: &str, person: &Person) -> (u16, String) {
        let db = as_role(&self.owner, Role::Leaderboard).await;
        let kit = testing::kit(Role::Leaderboard, db, MockClock::at(noon()));
        let app = testing::app(kit, routes(), |_| {}).await;
        let request = TestRequest::get().uri(path).insert_header(person.bearer());
        let answer = call_service(&app, request.to_request()).await;
        let status = answer.status().as_u16();
        (
            status,
            String::from_utf8(read_body(answer).await.to_vec()).unwrap(),
        )
    }

    async fn seqs(&self, query: &str, person: &Person) -> Vec<i64> {
        let (status, body) = self.get(&format!("/api/v1/audit{query}"), person).await;
        assert_eq!(status, 200, "{body}");
        let body: Value = serde_json::from_str(&body).unwrap();
        let items = body["items"].as_array().unwrap();
        items
            .iter()
            .map(|item| item["seq"].as_i64().unwrap())
            .collect()
    }
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn organizers_read_what_is_about_their_challenge_and_admins_all(owner: PgPool) {
    let world = world(owner).await;
    assert_eq!(world.seqs("", &world.olga).await, [4, 1]);
    assert_eq!(world.seqs("", &world.orla).await, [2]);
    assert_eq!(world.seqs("", &world.anna).await, [4, 3, 2, 1]);
    let theirs = format!("/api/v1/audit?challenge_id={}", world.ours.id);
    assert_eq!(world.get(&theirs, &world.orla).await.0, 403);
    let export = format!(
        "/api/v1/audit/export?format=jsonl&challenge_id={}",
        world.ours.id
    );
    assert_eq!(world.get(&export, &world.orla).await.0, 403);
    assert_eq!(world.get("/api/v1/audit/verify", &world.olga).await.0, 403);
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn the_log_is_narrowed_and_paged(owner: PgPool) {
    let world = world(owner).await;
    assert_eq!(world.seqs("?action=phase.", &world.anna).await, [2, 1]);
    let by = format!("?actor_id={}", world.orla.id);
    assert_eq!(world.seqs(&by, &world.anna).await, [2]);
    let of = format!("?subject_id={}", world.ours.phase_id);
    assert_eq!(world.seqs(&of, &world.anna).await, [1]);
    assert_eq!(world.seqs("?before=3", &world.anna).await, [2, 1]);
    for _ in 0..100 {
        log(
            &world.owner,
            None,
            "phase.looked-at",
            world.ours.phase_id.0,
            &json!({}),
            None,
        )
        .await;
    }
    let (_, body) = world.get("/api/v1/audit", &world.anna).await;
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(
        (&body["next"], body["items"].as_array().unwrap().len()),
        (&json!(5), 100)
    );
    let (_, page) = world.get("/organize/audit", &world.olga).await;
    assert!(page.contains("before=5"), "{page}");
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn the_page_says_who_what_from_to_and_why(owner: PgPool) {
    let world = world(owner).await;
    let (status, page) = world.get("/organize/audit", &world.olga).await;
    assert_eq!(status, 200);
    for part in [
        "Olga",
        "phase.paused",
        "<bdi>running</bdi> → <bdi>paused</bdi>",
        "=the store is full",
        "the platform",
    ] {
        assert!(page.contains(part), "{part} is not on {page}");
    }
    assert!(!page.contains("a secret of theirs"), "{page}");
    let (_, none) = world.get("/organize/audit?action=x", &world.olga).await;
    assert!(none.contains("Nothing of that kind"), "{none}");
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn an_export_holds_every_entry_once_and_no_formula(owner: PgPool) {
    let world = world(owner).await;
    for _ in 0..1000 {
        log(
            &world.owner,
            None,
            "phase.looked-at",
            world.ours.phase_id.0,
            &json!({}),
            None,
        )
        .await;
    }
    let (_, lines) = world
        .get("/api/v1/audit/export?format=jsonl", &world.anna)
        .await;
    let seqs: Vec<i64> = lines
        .lines()
        .map(|line| {
            serde_json::from_str::<Value>(line).unwrap()["seq"]
                .as_i64()
                .unwrap()
        })
        .collect();
    assert_eq!(seqs, (1..=1004).collect::<Vec<_>>());
    let (_, table) = world
        .get("/api/v1/audit/export?format=csv", &world.olga)
        .await;
    assert_eq!(table.lines().count(), 1 + 2 + 1000);
    assert!(
        table.contains("running,paused,'=the store is full,"),
        "{table}"
    );
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn an_admin_is_told_what_is_wrong_with_the_log(owner: PgPool) {
    let world = world(owner).await;
    let (_, whole) = world.get("/api/v1/audit/verify", &world.anna).await;
    assert_eq!(whole, r#"{"is_whole":true,"breaks":[]}"#);
    sqlx::query!("UPDATE audit.entries SET actor_id = NULL WHERE seq = 2")
        .execute(&world.owner)
        .await
        .unwrap();
    let (_, broken) = world
        .get("/api/v1/audit/verify?seq=9&hash=00", &world.anna)
        .await;
    let broken: Value = serde_json::from_str(&broken).unwrap();
    insta::assert_json_snapshot!(broken, @r#"
    {
      "breaks": [
        {
          "seq": 2,
          "what": "the entry was changed after it was written"
        },
        {
          "seq": 9,
          "what": "the exported head is missing: the log was cut before it"
        }
      ],
      "is_whole": false
    }
    "#);
    assert_eq!(
        world.get("/api/v1/audit/verify?seq=9", &world.anna).await.0,
        400
    );
}
