use actix_web::test::{TestRequest, call_service, read_body};
use actix_web::web;
use molar_domain::attempt::AttemptState;
use molar_domain::phase::SubmissionKind;
use molar_objects::Store;
use molar_service::Role;
use molar_testkit::{
    AttemptBuilder, Challenge, ChallengeBuilder, EvaluationBuilder, MockClock, PhaseBuilder,
    SubmissionBuilder, TeamBuilder, as_role, noon,
};
use molar_web_kit::testing::{self, Person};
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::routes;
use crate::testing::{Objects, sha256};

struct World {
    owner: PgPool,
    challenge: Challenge,
    store: Store,
    olga: Person,
    member: Person,
}

/// One container, run and scored, of which one output is stored.
async fn world(owner: PgPool, objects: &Objects) -> World {
    let phase = PhaseBuilder::new("final").kind(SubmissionKind::Container);
    let challenge = ChallengeBuilder::new("teeth")
        .phase(phase)
        .insert(&owner)
        .await;
    let member = testing::person(&owner, "Ada").await;
    let team = TeamBuilder::new(&challenge, "=Molars").member(member.id);
    let team = team.insert(&owner).await;
    let new = SubmissionBuilder::new(&challenge, &team).container();
    let submission = new.insert(&owner).await;
    let attempt = AttemptBuilder::new(&challenge, &submission).state(AttemptState::Finished);
    let attempt = attempt.insert(&owner).await;
    EvaluationBuilder::new(
        &challenge,
        &submission,
        json!({"image_DSC": 0.5, "IA": null}),
    )
    .attempt(&attempt)
    .insert(&owner)
    .await;
    objects
        .put_output(&owner, &attempt.case_runs[0], b"teeth")
        .await;
    World {
        olga: testing::organizer(&owner, "Olga", challenge.id).await,
        store: objects.links(),
        owner,
        challenge,
        member,
    }
}

impl World {
    async fn get(&self, who: &Person, path: &str) -> (u16, String) {
        let db = as_role(&self.owner, Role::Scoring).await;
        let kit = testing::kit(Role::Scoring, db, MockClock::at(noon()));
        let store = web::Data::new(self.store.clone());
        let app = testing::app(kit, routes(), |service| {
            service.app_data(store);
        })
        .await;
        let path = format!("{path}phase_id={}", self.challenge.phase_id);
        let request = TestRequest::get().uri(&path).insert_header(who.bearer());
        let answer = call_service(&app, request.to_request()).await;
        let status = answer.status().as_u16();
        let body = read_body(answer).await;
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    async fn ledger(&self) -> Vec<(String, i64)> {
        sqlx::query!(
            r#"SELECT place AS "place!", size_bytes AS "size!" FROM tracks.handed_out WHERE kind = 'output' ORDER BY place"#
        )
        .fetch_all(&self.owner)
        .await
        .unwrap()
        .into_iter()
        .map(|row| (row.place, row.size))
        .collect()
    }
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn outputs_are_listed_in_pages_of_links_but_lost_ones_and_each_stands_in_the_ledger(
    owner: PgPool,
) {
    let objects = Objects::start().await;
    let world = world(owner, &objects).await;
    let path = "/api/v1/evaluations/outputs?";
    let (status, body) = world.get(&world.olga, &format!("{path}limit=1&")).await;
    let first: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(status, 200, "{first}");
    let cursor = first["next"].as_str().unwrap();
    let (_, body) = world
        .get(&world.olga, &format!("{path}limit=1&cursor={cursor}&"))
        .await;
    let last: Value = serde_json::from_str(&body).unwrap();
    assert!(last["next"].is_null(), "{last}");
    // The store has one of the two; which comes first, their ids say.
    let pages = [&first["items"], &last["items"]];
    let listed: Vec<&Value> = pages
        .into_iter()
        .flat_map(|items| items.as_array().unwrap())
        .collect();
    let [item] = listed[..] else {
        panic!("{listed:?}")
    };
    assert_eq!(item["size_bytes"], 5);
    assert_eq!(item["sha256"], sha256(b"teeth"));
    let place = item["path"].as_str().unwrap();
    let submission = item["submission_id"].as_str().unwrap();
    assert!(
        place.starts_with(&format!("outputs/{submission}/1/")),
        "{place}"
    );
    let ledger = vec![(place.to_owned(), 5)];
    assert_eq!(world.ledger().await, ledger);

    assert_eq!(world.get(&world.member, path).await.0, 403);
    assert_eq!(world.ledger().await, ledger, "a refusal hands out nothing");
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn scores_are_a_table_of_every_case_that_no_spreadsheet_runs(owner: PgPool) {
    let objects = Objects::start().await;
    let world = world(owner, &objects).await;
    let path = "/api/v1/evaluations/scores.csv?";
    let (status, table) = world.get(&world.olga, path).await;
    assert_eq!(status, 200, "{table}");
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines.len(), 3, "{table}");
    assert_eq!(
        lines[0],
        "submission_id,team,attempt,evaluation_id,is_current,scorer_version,reference_version,case,failure,IA,image_DSC"
    );
    assert!(
        lines[1].contains(",'=Molars,1,") && lines[1].ends_with(",Case_01,,,0.5"),
        "{table}"
    );
    assert_eq!(world.get(&world.member, path).await.0, 404);
}
