//! A wrong reference from its upload to the newest version.

use molar_testkit::{Challenge, ChallengeBuilder};
use molar_web_kit::testing::organizer;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use sqlx::PgPool;

use crate::testing::{As, World, put_at};

const RIGHT: &[u8] = b"{\"right\": true}";

struct Stage {
    owner: PgPool,
    _world: World,
    challenge: Challenge,
    olga: As,
    rita: As,
    path: String,
}

impl Stage {
    async fn set(owner: PgPool) -> Self {
        let world = World::new(&owner).await;
        let challenge = ChallengeBuilder::new("demo").insert(&owner).await;
        let olga = world.api.of(&organizer(&owner, "Olga", challenge.id).await);
        let rita = organizer(&owner, "Rita", challenge.id).await;
        sqlx::query!(
            "UPDATE registration.challenge_roles SET role = 'reviewer' WHERE user_id = $1",
            rita.id.0
        )
        .execute(&owner)
        .await
        .unwrap();
        Self {
            path: format!("/api/v1/splits/{}/corrections", challenge.split_id),
            rita: world.api.of(&rita),
            owner,
            _world: world,
            challenge,
            olga,
        }
    }

    /// Of the first case.
    async fn create(&self) -> Value {
        let (status, made) = self.olga.post(&self.path, correction("Case_01")).await;
        assert_eq!(status, 200, "{made}");
        made
    }

    /// As the scorer would have read it.
    async fn read(&self, set: &Value, complaint: Option<&str>) {
        let set: uuid::Uuid = set.as_str().unwrap().parse().unwrap();
        sqlx::query!(
            "INSERT INTO scoring.reference_facts
                 (reference_id, case_id, reference_set_id, is_good, complaint, sha256, read_at)
             SELECT id, case_id, reference_set_id, $2::text IS NULL OR c.sha256 <> $3,
                    CASE WHEN c.sha256 = $3 THEN $2 END, c.sha256, now()
             FROM tracks.case_references c WHERE reference_set_id = $1",
            set,
            complaint,
            sha256(RIGHT),
        )
        .execute(&self.owner)
        .await
        .unwrap();
    }

    /// Versions of the split's set, and whether each has as many references as there are cases.
    async fn versions(&self) -> Vec<(i32, i64)> {
        let rows = sqlx::query!(
            r#"SELECT s.version, count(r.id) AS "n!" FROM tracks.reference_sets s
               LEFT JOIN tracks.case_references r ON r.reference_set_id = s.id
               GROUP BY s.id ORDER BY s.version"#
        );
        let rows = rows.fetch_all(&self.owner).await.unwrap();
        rows.into_iter().map(|row| (row.version, row.n)).collect()
    }

    async fn newest(&self) -> Option<i32> {
        sqlx::query_scalar!(
            "SELECT reference_set_version FROM tracks.phase_facts WHERE phase_id = $1",
            self.challenge.phase_id.0
        )
        .fetch_one(&self.owner)
        .await
        .unwrap()
    }
}

fn sha256(content: &[u8]) -> String {
    hex::encode(Sha256::digest(content))
}

fn correction(case: &str) -> Value {
    json!({"reason": "a tooth too many", "cases": [{"name": case, "size_bytes": RIGHT.len(), "sha256": sha256(RIGHT)}]})
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_correction_shares_the_rest_and_is_the_newest_once_it_is_accepted(pool: PgPool) {
    let stage = Stage::set(pool).await;
    let made = stage.create().await;
    // As long as what was announced: another length the client itself would not send.
    assert_ne!(
        put_at(&made["items"][0]["reference"], b"{\"wrong\": true}").await,
        200
    );
    assert_eq!(put_at(&made["items"][0]["reference"], RIGHT).await, 200);
    let path = format!("/api/v1/corrections/{}", made["id"].as_str().unwrap());
    // The phase goes on with what it has.
    assert_eq!(stage.versions().await, [(-1, 2), (1, 2)]);
    assert_eq!(stage.newest().await, Some(1));

    let (_, early) = stage.olga.post(&format!("{path}/accept"), json!({})).await;
    assert_eq!(early["code"], "correction-not-good");
    let (status, told) = stage.olga.post(&format!("{path}/stored"), json!({})).await;
    assert_eq!(
        (status, &told["cases"][0]["state"]),
        (200, &json!("stored"))
    );
    let keys = sqlx::query_scalar!("SELECT routing_key FROM tracks.outbox");
    assert_eq!(
        keys.fetch_all(&stage.owner).await.unwrap(),
        ["reference.stored"]
    );
    stage.read(&made["id"], None).await;

    let (status, denied) = stage.rita.post(&format!("{path}/accept"), json!({})).await;
    assert_eq!(status, 403, "{denied}");
    let (_, seen) = stage.rita.get(&path).await;
    assert_eq!(
        (&seen["can_be_accepted"], &seen["created_by"]),
        (&json!(true), &json!("Olga"))
    );
    let (status, accepted) = stage.olga.post(&format!("{path}/accept"), json!({})).await;
    assert_eq!(
        (status, &accepted["version"], &accepted["state"]),
        (200, &json!(2), &json!("accepted")),
        "{accepted}"
    );
    assert_eq!(stage.newest().await, Some(2));
    let is_ready = sqlx::query_scalar!("SELECT is_ready FROM tracks.phase_readiness");
    assert_eq!(is_ready.fetch_one(&stage.owner).await.unwrap(), Some(true));
    let actions = sqlx::query_scalar!("SELECT action FROM audit.entries ORDER BY seq");
    assert_eq!(
        actions.fetch_all(&stage.owner).await.unwrap(),
        ["correction.created", "correction.accepted"]
    );
    let (_, again) = stage.olga.post(&format!("{path}/accept"), json!({})).await;
    assert_eq!(again["code"], "correction-over");
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_bad_correction_says_what_is_wrong_and_gives_way_to_the_next(pool: PgPool) {
    let stage = Stage::set(pool).await;
    let first = stage.create().await;
    let path = format!("/api/v1/corrections/{}", first["id"].as_str().unwrap());
    stage.olga.post(&format!("{path}/stored"), json!({})).await;
    stage.read(&first["id"], Some("its shape is wrong")).await;
    let (status, refused) = stage.olga.post(&format!("{path}/accept"), json!({})).await;
    assert_eq!(status, 409);
    insta::assert_json_snapshot!(refused, @r#"
    {
      "code": "correction-not-good",
      "detail": "a reference is not good: Case_01: its shape is wrong; upload the correction again",
      "status": 409,
      "title": "This does not fit the present state",
      "type": "/problems/conflict"
    }
    "#);
    stage.create().await;
    let (_, list) = stage.olga.get(&stage.path).await;
    let states = list["items"].as_array().unwrap().iter();
    let mut states: Vec<_> = states.map(|one| one["state"].as_str().unwrap()).collect();
    // Both are of one moment.
    states.sort_unstable();
    assert_eq!(states, ["dropped", "open"]);
    assert_eq!(stage.newest().await, Some(1));
    let page = format!("/organize/splits/{}/references", stage.challenge.split_id);
    let (status, html) = stage.olga.page(&page).await;
    assert!(
        status == 200 && html.contains("its shape is wrong"),
        "{html}"
    );
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_correction_of_an_old_version_is_over(pool: PgPool) {
    let stage = Stage::set(pool).await;
    let made = stage.create().await;
    let path = format!("/api/v1/corrections/{}", made["id"].as_str().unwrap());
    stage.olga.post(&format!("{path}/stored"), json!({})).await;
    stage.read(&made["id"], None).await;
    sqlx::query!(
        "INSERT INTO tracks.reference_sets (id, split_id, version, created_at)
         SELECT gen_random_uuid(), split_id, 2, created_at FROM tracks.reference_sets WHERE version = 1"
    )
    .execute(&stage.owner)
    .await
    .unwrap();
    let (status, over) = stage.olga.post(&format!("{path}/accept"), json!({})).await;
    assert_eq!((status, &over["code"]), (409, &json!("correction-over")));
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn everything_that_is_wrong_with_a_correction_is_told_at_once(pool: PgPool) {
    let stage = Stage::set(pool).await;
    let known = sqlx::query_scalar!(
        "SELECT sha256 FROM tracks.case_references WHERE case_id = $1",
        stage.challenge.cases[1].id.0
    );
    let known = known.fetch_one(&stage.owner).await.unwrap();
    let body = json!({"reason": " ", "cases": [
        {"name": "Case_99", "size_bytes": 1, "sha256": sha256(RIGHT)},
        {"name": "Case_02", "size_bytes": 1, "sha256": known},
        {"name": "Case_01", "size_bytes": 0, "sha256": "x"},
    ]});
    let (status, refused) = stage.olga.post(&stage.path, body).await;
    assert_eq!(status, 422);
    let pointers = refused["errors"].as_array().unwrap().iter();
    let pointers: Vec<_> = pointers.map(|e| e["pointer"].as_str().unwrap()).collect();
    assert_eq!(
        pointers,
        [
            "/reason",
            "/cases/0/name",
            "/cases/1/sha256",
            "/cases/2/size_bytes",
            "/cases/2/sha256"
        ]
    );
    assert_eq!(stage.versions().await, [(1, 2)]);
    let (status, _) = stage.rita.post(&stage.path, correction("Case_01")).await;
    assert_eq!(status, 403);
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_case_that_is_gone_or_new_keeps_no_correction_from_being_accepted(pool: PgPool) {
    let stage = Stage::set(pool).await;
    let gone = stage.challenge.cases[1].id.0;
    sqlx::query!(
        "UPDATE tracks.cases SET state = 'removed', stored_at = NULL WHERE id = $1",
        gone
    )
    .execute(&stage.owner)
    .await
    .unwrap();
    let made = stage.create().await;
    let path = format!("/api/v1/corrections/{}", made["id"].as_str().unwrap());
    assert_eq!(stage.versions().await, [(-1, 1), (1, 2)]);
    assert_eq!(put_at(&made["items"][0]["reference"], RIGHT).await, 200);
    stage.olga.post(&format!("{path}/stored"), json!({})).await;
    stage.read(&made["id"], None).await;

    // It is there again, as one that was added since.
    sqlx::query!(
        "UPDATE tracks.cases SET state = 'stored', stored_at = now() WHERE id = $1",
        gone
    )
    .execute(&stage.owner)
    .await
    .unwrap();
    let accept = format!("{path}/accept");
    let (_, early) = stage.olga.post(&accept, json!({})).await;
    assert_eq!(early["code"], "correction-not-good", "{early}");
    assert_eq!(stage.versions().await, [(-1, 2), (1, 2)]);
    sqlx::query!("DELETE FROM scoring.reference_facts")
        .execute(&stage.owner)
        .await
        .unwrap();
    stage.read(&made["id"], None).await;
    let (status, accepted) = stage.olga.post(&accept, json!({})).await;
    assert_eq!(status, 200, "{accepted}");
}
