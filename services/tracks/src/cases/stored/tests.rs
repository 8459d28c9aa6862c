use molar_testkit::{ChallengeBuilder, SubmissionBuilder, TeamBuilder};
use molar_web_kit::testing::organizer;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use sqlx::PgPool;

use crate::testing::{Api, As, World, blank, put_at};

const IMAGE: &[u8] = b"an image";
const REFERENCE: &[u8] = b"{}";

fn case(name: &str, image: &[u8], reference: &[u8]) -> Value {
    json!({
        "name": name,
        "image_name": format!("{name}.png"),
        "size_bytes": image.len(),
        "sha256": hex::encode(Sha256::digest(image)),
        "reference": {
            "size_bytes": reference.len(),
            "sha256": hex::encode(Sha256::digest(reference)),
        },
    })
}

struct Organized {
    world: World,
    olga: As,
    path: String,
}

async fn organized(pool: &PgPool) -> Organized {
    let world = World::new(pool).await;
    let demo = ChallengeBuilder::new("demo").cases(&[]).insert(pool).await;
    let olga = world.api.of(&organizer(pool, "Olga", demo.id).await);
    let path = format!("/api/v1/splits/{}/cases", demo.split_id);
    Organized { world, olga, path }
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_case_goes_straight_to_the_store_and_is_then_announced_to_scoring(pool: PgPool) {
    let Organized {
        world: _world,
        olga,
        path,
    } = organized(&pool).await;
    let body = json!({"cases": [case("Case_7", IMAGE, REFERENCE)]});
    let (status, announced) = olga.post(&path, body.clone()).await;
    assert_eq!(status, 200, "{announced}");
    let item = &announced["items"][0];

    let stored = format!("{path}/stored");
    let names = json!({"names": ["Case_7"]});
    let (status, early) = olga.post(&stored, names.clone()).await;
    assert_eq!(status, 422);
    insta::assert_json_snapshot!(early, @r#"
    {
      "errors": [
        {
          "detail": "its image is not in the store; put it first, at the URL of its announcement",
          "pointer": "/names/0"
        }
      ],
      "status": 422,
      "title": "The request is not valid",
      "type": "/problems/invalid-request"
    }
    "#);

    assert_ne!(put_at(&item["image"], b"an other").await, 200);
    assert_eq!(put_at(&item["image"], IMAGE).await, 200);
    assert_eq!(put_at(&item["reference"], REFERENCE).await, 200);
    let (status, told) = olga.post(&stored, names.clone()).await;
    assert_eq!((status, told), (200, json!({"stored": 1})));
    let (status, _) = olga.post(&stored, names).await;
    assert_eq!(status, 200);
    let keys: Vec<String> = sqlx::query_scalar("SELECT routing_key FROM tracks.outbox")
        .fetch_all(&pool)
        .await
        .unwrap();
    assert_eq!(keys, ["reference.stored"]);

    let (_, again) = olga.post(&path, body).await;
    assert_eq!(again["items"][0]["image"], Value::Null);
    let other = json!({"cases": [case("Case_7", b"an other image", REFERENCE)]});
    let (status, conflict) = olga.post(&path, other).await;
    assert_eq!(status, 409);
    insta::assert_json_snapshot!(conflict, @r#"
    {
      "code": "case-stored",
      "detail": "the case Case_7 is stored with another image; replace it on purpose, as long as no phase has opened on it, or give the new image a new name",
      "status": 409,
      "title": "This does not fit the present state",
      "type": "/problems/conflict"
    }
    "#);
    let other = json!({"cases": [case("Case_7", IMAGE, b"{ }")]});
    assert_eq!(olga.post(&path, other).await.1["code"], "reference-stored");
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_case_does_not_join_those_that_teams_are_measured_on(pool: PgPool) {
    let world = World::new(&pool).await;
    let demo = ChallengeBuilder::new("demo").insert(&pool).await;
    let olga = world.api.of(&organizer(&pool, "Olga", demo.id).await);
    let path = format!("/api/v1/splits/{}/cases", demo.split_id);
    let team = TeamBuilder::new(&demo, "Molars").insert(&pool).await;
    SubmissionBuilder::new(&demo, &team).insert(&pool).await;
    let body = json!({"cases": [case("Case_99", IMAGE, REFERENCE)]});
    let (_, announced) = olga.post(&path, body).await;
    let item = &announced["items"][0];
    assert_eq!(put_at(&item["image"], IMAGE).await, 200);
    assert_eq!(put_at(&item["reference"], REFERENCE).await, 200);
    let stored = format!("{path}/stored");
    let (status, told) = olga.post(&stored, json!({"names": ["Case_99"]})).await;
    assert_eq!((status, &told["code"]), (409, &json!("phase-submitted")));
    // Said again of a case that was there, it changes nothing.
    let (status, told) = olga.post(&stored, json!({"names": ["Case_01"]})).await;
    assert_eq!(status, 200, "{told}");
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn what_a_killed_client_had_put_is_not_asked_for_again(pool: PgPool) {
    let Organized {
        world: _world,
        olga,
        path,
    } = organized(&pool).await;
    let body = json!({"cases": [case("Case_7", IMAGE, REFERENCE)]});
    let (_, announced) = olga.post(&path, body.clone()).await;
    assert_eq!(put_at(&announced["items"][0]["image"], IMAGE).await, 200);
    let (_, again) = olga.post(&path, body).await;
    assert_eq!(again["items"][0]["image"], Value::Null);
    assert!(again["items"][0]["reference"].is_object(), "{again}");
    let other = json!({"cases": [case("Case_7", b"an other image", REFERENCE)]});
    let (_, other) = olga.post(&path, other).await;
    assert!(other["items"][0]["image"].is_object(), "{other}");
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_wrong_image_is_replaced_until_its_phase_has_opened(pool: PgPool) {
    let Organized {
        world: _world,
        olga,
        path,
    } = organized(&pool).await;
    let stored = format!("{path}/stored");
    let names = json!({"names": ["Case_7"]});
    let mut body = json!({"cases": [case("Case_7", IMAGE, REFERENCE)]});
    for image in [IMAGE, b"an other image"] {
        body["cases"][0] = case("Case_7", image, REFERENCE);
        body["replace"] = json!(image != IMAGE);
        let (status, announced) = olga.post(&path, body.clone()).await;
        assert_eq!(status, 200, "{announced}");
        assert_eq!(put_at(&announced["items"][0]["image"], image).await, 200);
        assert_eq!(olga.post(&stored, names.clone()).await.0, 200);
    }
    let (_, listed) = olga.get(&path).await;
    assert_eq!(listed["items"][0]["sha256"], body["cases"][0]["sha256"]);
    let complaint = listed["items"][0]["image_complaint"].as_str().unwrap();
    assert!(
        complaint.contains("neither a PNG nor a JPEG"),
        "{complaint}"
    );
    let action: String = sqlx::query_scalar("SELECT action FROM audit.entries")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(action, "case.withdrawn");

    sqlx::raw_sql(
        "UPDATE tracks.cases SET image_complaint = NULL;
         INSERT INTO scoring.reference_facts
             (reference_id, case_id, reference_set_id, is_good, sha256, read_at)
         SELECT id, case_id, reference_set_id, true, sha256, now() FROM tracks.case_references",
    )
    .execute(&pool)
    .await
    .unwrap();
    body["cases"][0] = case("Case_7", IMAGE, REFERENCE);
    let (status, refused) = olga.post(&path, body).await;
    assert_eq!(
        (status, &refused["code"]),
        (409, &json!("phase-opened")),
        "{refused}"
    );
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn labels_to_train_with_lie_with_the_images_and_others_leave_for_nobody(pool: PgPool) {
    let Organized { olga, path, world } = organized(&pool).await;
    let demo = ChallengeBuilder::new("closed").insert(&pool).await;
    let closed = world.api.of(&organizer(&pool, "Clo", demo.id).await);
    let hidden = format!("/api/v1/cases/{}/reference", demo.cases[0].id);
    assert_eq!(closed.get(&hidden).await.0, 404);

    sqlx::raw_sql("UPDATE tracks.splits SET is_public = true, are_references_public = true")
        .execute(&pool)
        .await
        .unwrap();
    let body = json!({"cases": [case("Case_7", IMAGE, IMAGE)]});
    let (_, announced) = olga.post(&path, body).await;
    let item = &announced["items"][0];
    let url = item["reference"]["url"].as_str().unwrap();
    assert!(url.contains("/molar-public/"), "{url}");
    for part in ["image", "reference"] {
        assert_eq!(put_at(&item[part], IMAGE).await, 200);
    }
    let names = json!({"names": ["Case_7"]});
    assert_eq!(olga.post(&format!("{path}/stored"), names).await.0, 200);
    let (_, manifest) = olga.get(&path.replace("/cases", "/manifest")).await;
    let told = &manifest["items"][0]["reference"];
    assert_eq!(told["name"], "Case_7_Mask.json", "{manifest}");
    let (status, location) = olga.page(told["path"].as_str().unwrap()).await;
    assert_eq!(status, 303, "{location}");
    assert!(location.contains("Case_7_Mask.json"), "{location}");
    let eve = molar_web_kit::testing::person(&pool, "Eve").await;
    let eve = world.api.of(&eve);
    assert_eq!(eve.get(told["path"].as_str().unwrap()).await.0, 403);
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_bad_reference_is_replaced_by_a_new_version(pool: PgPool) {
    let Organized {
        world: _world,
        olga,
        path,
    } = organized(&pool).await;
    let both = json!({"cases": [case("Case_1", IMAGE, b"1"), case("Case_2", IMAGE, b"2")]});
    let (_, announced) = olga.post(&path, both).await;
    for item in announced["items"].as_array().unwrap() {
        assert_eq!(put_at(&item["image"], IMAGE).await, 200);
    }
    let names = json!({"names": ["Case_1", "Case_2"]});
    assert_eq!(olga.post(&format!("{path}/stored"), names).await.0, 200);
    sqlx::query!(
        "INSERT INTO scoring.reference_facts
             (reference_id, case_id, reference_set_id, is_good, complaint, sha256, read_at)
         SELECT r.id, r.case_id, r.reference_set_id, c.name = 'Case_1',
                CASE WHEN c.name <> 'Case_1' THEN 'has no tooth' END, r.sha256, r.stored_at
         FROM tracks.case_references r JOIN tracks.cases c ON c.id = r.case_id",
    )
    .execute(&pool)
    .await
    .unwrap();

    let (_, listed) = olga.get(&path).await;
    assert_eq!(listed["items"][1]["reference"]["complaint"], "has no tooth");
    let better = json!({"cases": [case("Case_2", IMAGE, b"better")]});
    let (status, announced) = olga.post(&path, better).await;
    assert_eq!(status, 200, "{announced}");
    assert_eq!(announced["items"][0]["image"], Value::Null);
    assert!(announced["items"][0]["reference"].is_object());
    let versions: Vec<(i32, String, String)> = sqlx::query_as(
        "SELECT s.version, c.name, r.state FROM tracks.case_references r
         JOIN tracks.reference_sets s ON s.id = r.reference_set_id
         JOIN tracks.cases c ON c.id = r.case_id ORDER BY 1, 2",
    )
    .fetch_all(&pool)
    .await
    .unwrap();
    let versions: Vec<_> = versions
        .iter()
        .map(|(v, n, s)| format!("{v} {n} {s}"))
        .collect();
    assert_eq!(
        versions,
        [
            "1 Case_1 stored",
            "1 Case_2 stored",
            "2 Case_1 stored",
            "2 Case_2 announced"
        ]
    );
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_canary_is_found_when_it_is_stored(pool: PgPool) {
    let Organized {
        world: _world,
        olga,
        path,
    } = organized(&pool).await;
    sqlx::query!("UPDATE tracks.phases SET canary_case = 'validation/Case_7'")
        .execute(&pool)
        .await
        .unwrap();
    let body = json!({"cases": [case("Case_7", IMAGE, REFERENCE)]});
    let (_, announced) = olga.post(&path, body).await;
    assert_eq!(put_at(&announced["items"][0]["image"], IMAGE).await, 200);
    let names = json!({"names": ["Case_7"]});
    assert_eq!(olga.post(&format!("{path}/stored"), names).await.0, 200);
    let canary: Option<uuid::Uuid> = sqlx::query_scalar("SELECT canary_case_id FROM tracks.phases")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(json!(canary), announced["items"][0]["case_id"]);
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn every_complaint_about_cases_is_told_at_once(pool: PgPool) {
    let Organized {
        world: _world,
        olga,
        path,
    } = organized(&pool).await;
    let mut bad = case("a/b", IMAGE, REFERENCE);
    bad["sha256"] = json!("ABC");
    bad["size_bytes"] = json!(0);
    let mut volume = case("Case_1", IMAGE, REFERENCE);
    volume["image_name"] = json!("Case_1.nii.gz");
    let twice = json!({"cases": [bad, volume, case("Case_1", IMAGE, REFERENCE)]});
    let (status, problem) = olga.post(&path, twice).await;
    assert_eq!(status, 422);
    insta::assert_json_snapshot!(problem["errors"], @r#"
    [
      {
        "detail": "must be 1 to 64 of A-Z, a-z, 0-9, _ and -",
        "pointer": "/cases/0/name"
      },
      {
        "detail": "must be 1 byte to 5 GiB",
        "pointer": "/cases/0/size_bytes"
      },
      {
        "detail": "must be 64 hexadecimal digits in lower case",
        "pointer": "/cases/0/sha256"
      },
      {
        "detail": "must be Case_1.png or Case_1.jpg or Case_1.jpeg",
        "pointer": "/cases/1/image_name"
      },
      {
        "detail": "is there twice",
        "pointer": "/cases/2/name"
      }
    ]
    "#);
    let (_, unknown) = olga
        .post(&format!("{path}/stored"), json!({"names": ["Case_9"]}))
        .await;
    insta::assert_json_snapshot!(unknown["errors"], @r#"
    [
      {
        "detail": "is no announced case",
        "pointer": "/names/0"
      }
    ]
    "#);
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn only_organizers_of_the_challenge_put_cases(pool: PgPool) {
    let Organized { world, path, .. } = organized(&pool).await;
    let elsewhere = ChallengeBuilder::new("elsewhere").insert(&pool).await;
    let fritz = world.api.of(&organizer(&pool, "Fritz", elsewhere.id).await);
    let (status, refused) = fritz.post(&path, json!({"cases": []})).await;
    assert_eq!(status, 403);
    insta::assert_json_snapshot!(blank(refused), @r#"
    {
      "detail": "you are not an organizer of this challenge",
      "status": 403,
      "title": "This is not yours to do",
      "type": "/problems/forbidden"
    }
    "#);
    assert_eq!(fritz.get(&path).await.0, 403);
    let api: &Api = &world.api;
    assert_eq!(api.nobody().get(&path).await.0, 401);
}
