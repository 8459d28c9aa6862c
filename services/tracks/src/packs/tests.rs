use molar_testkit::{
    Challenge, ChallengeBuilder, PhaseBuilder, TeamBuilder, UserBuilder, token_for,
};
use molar_web_kit::testing::organizer;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use sqlx::PgPool;

use crate::testing::{As, World, put_at};

const ZIP: &[u8] = b"a zip";

struct Packing {
    world: World,
    demo: Challenge,
    olga: As,
    path: String,
}

/// A public case with a good reference (`training/Canary_01`), one without, and a hidden one.
async fn packing(pool: &PgPool) -> Packing {
    let world = World::new(pool).await;
    let phase = PhaseBuilder::new("final");
    let demo = ChallengeBuilder::new("demo").canary().phase(phase);
    let demo = demo.insert(pool).await;
    let canary = demo.canary.clone().unwrap();
    let split = sqlx::query_scalar!(
        "SELECT split_id FROM tracks.cases WHERE id = $1",
        canary.id.0
    )
    .fetch_one(pool)
    .await
    .unwrap();
    sqlx::query!(
        "WITH new AS (
             INSERT INTO tracks.reference_sets (id, split_id, version, created_at)
             VALUES (gen_random_uuid(), $1, 1, now()) RETURNING id),
         reference AS (
             INSERT INTO tracks.case_references (id, reference_set_id, case_id, object_key, size_bytes, sha256, state, stored_at)
             SELECT gen_random_uuid(), new.id, $2, 'key', 1, $3, 'stored', now() FROM new
             RETURNING id, reference_set_id)
         INSERT INTO scoring.reference_facts (reference_id, case_id, reference_set_id, is_good, shape, labels, sha256, read_at)
         SELECT id, $2, reference_set_id, true, '{8,16}', '{11}', $3, now() FROM reference",
        split,
        canary.id.0,
        "b".repeat(64),
    )
    .execute(pool)
    .await
    .unwrap();
    sqlx::query!(
        "INSERT INTO tracks.cases (id, split_id, name, image_bucket, image_key, image_name, size_bytes, sha256, state, created_at, stored_at)
         VALUES (gen_random_uuid(), $1, 'Bare', 'public', 'bare', 'Bare.png', 1, $2, 'stored', now(), now())",
        split,
        "c".repeat(64),
    )
    .execute(pool)
    .await
    .unwrap();
    let olga = world.api.of(&organizer(pool, "Olga", demo.id).await);
    let path = format!("/api/v1/tracks/{}/packs", demo.track_id);
    Packing {
        world,
        demo,
        olga,
        path,
    }
}

async fn sample(pool: &PgPool) -> Value {
    let image = sqlx::query_scalar!("SELECT sha256 FROM tracks.cases WHERE name = 'Canary_01'")
        .fetch_one(pool)
        .await
        .unwrap();
    json!({"split": "training", "case": "Canary_01", "image_sha256": image, "reference_sha256": "b".repeat(64)})
}

fn hash(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

fn body(zip: &[u8], samples: &[Value]) -> Value {
    json!({"size_bytes": zip.len(), "sha256": hash(zip), "samples": samples})
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_pack_goes_straight_to_the_store_and_to_teams_that_may_have_it(pool: PgPool) {
    let Packing {
        world,
        demo,
        olga,
        path,
    } = packing(&pool).await;
    let (track, samples) = (demo.track_id, [sample(&pool).await]);
    let link = format!("/api/v1/tracks/{track}/pack");
    let page = async |caller: &As| caller.page("/challenges/demo").await.1;
    let (status, none) = olga.get(&link).await;
    assert_eq!(
        (status, &none["detail"]),
        (404, &json!("no such pack of this track"))
    );
    assert!(page(&olga).await.contains("molar pack"));
    let nobody = world.api.nobody();
    assert!(page(&nobody).await.contains("have not published one yet"));

    let (status, announced) = olga.post(&path, body(ZIP, &samples)).await;
    assert_eq!(status, 200, "{announced}");
    let stored = format!("{path}/stored");
    let which = json!({"sha256": hash(ZIP)});
    let (status, early) = olga.post(&stored, which.clone()).await;
    assert_eq!(status, 422);
    assert!(
        early["errors"][0]["detail"]
            .as_str()
            .unwrap()
            .contains("put it first"),
        "{early}"
    );
    assert_ne!(put_at(&announced["upload"], b"an other").await, 200);
    assert_eq!(put_at(&announced["upload"], ZIP).await, 200);
    assert!(page(&nobody).await.contains("have not published one yet"));
    for _ in 0..2 {
        let (status, told) = olga.post(&stored, which.clone()).await;
        assert_eq!(
            (status, &told["samples"]),
            (200, &json!(["training/Canary_01"])),
            "{told}"
        );
    }
    let (_, again) = olga.post(&path, body(ZIP, &samples)).await;
    assert_eq!(again["upload"], Value::Null);

    let (_, shown) = nobody.get("/api/v1/challenges/demo").await;
    assert_eq!(shown["tracks"][0]["pack"]["sha256"], hash(ZIP));
    assert_eq!(nobody.get(&link).await.0, 401);
    let closed = page(&nobody).await;
    assert!(
        closed.contains("Sample cases are data") && !closed.contains(&link),
        "{closed}"
    );
    let ada = UserBuilder::new("Ada").insert(&pool).await;
    TeamBuilder::new(&demo, "Molars")
        .member(ada.id)
        .insert(&pool)
        .await;
    let ada = world.api.with_token(&token_for(&pool, ada.id).await);
    let (status, location) = ada.page(&link).await;
    assert_eq!(status, 303);
    assert!(
        location.contains("demo-teeth-pack.zip") && location.contains("X-Amz-Signature"),
        "{location}"
    );
    assert!(page(&ada).await.contains(&link));
    let eve = UserBuilder::new("Eve").insert(&pool).await;
    let eve = world.api.with_token(&token_for(&pool, eve.id).await);
    assert_eq!(eve.get(&link).await.1["code"], "agreement-not-signed");
    assert!(
        page(&eve)
            .await
            .contains("You cannot download it yet: the data is for those who signed")
    );
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_pack_is_replaced_on_record_and_the_one_before_can_come_back(pool: PgPool) {
    let Packing {
        world: _world,
        demo,
        olga,
        path,
    } = packing(&pool).await;
    let samples = [sample(&pool).await];
    for zip in [ZIP, b"a better zip", ZIP] {
        let (_, announced) = olga.post(&path, body(zip, &samples)).await;
        if !announced["upload"].is_null() {
            assert_eq!(put_at(&announced["upload"], zip).await, 200);
        }
        let which = json!({"sha256": hash(zip), "reason": "a new template"});
        let (status, told) = olga.post(&format!("{path}/stored"), which).await;
        assert_eq!(
            (status, &told["sha256"]),
            (200, &json!(hash(zip))),
            "{told}"
        );
        // A second later, by the clock of the rows.
        sqlx::query!("UPDATE tracks.packs SET stored_at = stored_at - interval '1 second'")
            .execute(&pool)
            .await
            .unwrap();
    }
    let entries =
        sqlx::query!("SELECT action, subject_id, details FROM audit.entries ORDER BY seq")
            .fetch_all(&pool)
            .await
            .unwrap();
    let replaced: Vec<_> = entries
        .iter()
        .map(|of| of.details["replaces"].clone())
        .collect();
    assert_eq!(
        replaced,
        [Value::Null, json!(hash(ZIP)), json!(hash(b"a better zip"))]
    );
    assert!(
        entries
            .iter()
            .all(|of| of.action == "pack.stored" && of.subject_id == demo.track_id.0)
    );
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn every_complaint_about_a_pack_is_told_at_once(pool: PgPool) {
    let Packing {
        world: _world,
        demo,
        olga,
        path,
    } = packing(&pool).await;
    let good = sample(&pool).await;
    let with = |name: &str, value: &str| {
        let mut other = good.clone();
        other[name] = json!(value);
        other
    };
    let mut hidden = with("split", "validation");
    hidden["case"] = json!(demo.cases[0].name);
    let samples = [
        hidden,
        with("split", "nowhere"),
        with("case", "Nobody"),
        with("case", "Bare"),
        with("image_sha256", "d"),
        with("reference_sha256", "d"),
    ];
    let mut bad = body(ZIP, &samples);
    bad["sha256"] = json!("d");
    bad["size_bytes"] = json!(0);
    let (status, problem) = olga.post(&path, bad).await;
    assert_eq!(status, 422, "{problem}");
    insta::assert_json_snapshot!(problem["errors"], @r#"
    [
      {
        "detail": "must be 1 byte to 5 GiB",
        "pointer": "/size_bytes"
      },
      {
        "detail": "must be 64 hexadecimal digits in lower case",
        "pointer": "/sha256"
      },
      {
        "detail": "the split `validation` is hidden; a pack is given to teams, so its cases are of a public one",
        "pointer": "/samples/0/split"
      },
      {
        "detail": "the track has no split `nowhere`",
        "pointer": "/samples/1/split"
      },
      {
        "detail": "no case `Nobody` is stored in the split `training`",
        "pointer": "/samples/2/case"
      },
      {
        "detail": "the case `Bare` has no reference; upload it with its split first",
        "pointer": "/samples/3/case"
      },
      {
        "detail": "the image of `Canary_01` in the zip is not the stored one",
        "pointer": "/samples/4/image_sha256"
      },
      {
        "detail": "is there twice",
        "pointer": "/samples/5"
      },
      {
        "detail": "the reference of `Canary_01` in the zip is not the stored one",
        "pointer": "/samples/5/reference_sha256"
      }
    ]
    "#);
    let (_, empty) = olga.post(&path, body(ZIP, &[])).await;
    assert_eq!(empty["errors"][0]["pointer"], "/samples");
    let unknown = json!({"sha256": hash(ZIP)});
    let (status, _) = olga.post(&format!("{path}/stored"), unknown).await;
    assert_eq!(status, 422);
    let nowhere = format!("/api/v1/tracks/{}/packs", uuid::Uuid::nil());
    assert_eq!(
        olga.post(&nowhere, body(ZIP, std::slice::from_ref(&good)))
            .await
            .0,
        404
    );
    let packs = sqlx::query_scalar!("SELECT count(*) FROM tracks.packs").fetch_one(&pool);
    assert_eq!(packs.await.unwrap(), Some(0));
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn only_organizers_of_the_challenge_publish_a_pack(pool: PgPool) {
    let Packing { world, path, .. } = packing(&pool).await;
    let elsewhere = ChallengeBuilder::new("elsewhere").insert(&pool).await;
    let fritz = world.api.of(&organizer(&pool, "Fritz", elsewhere.id).await);
    let asked = body(ZIP, &[sample(&pool).await]);
    assert_eq!(fritz.post(&path, asked).await.0, 403);
    let which = json!({"sha256": hash(ZIP)});
    assert_eq!(fritz.post(&format!("{path}/stored"), which).await.0, 403);
}
