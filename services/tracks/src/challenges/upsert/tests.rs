use molar_testkit::SubmissionBuilder;
use molar_testkit::TeamBuilder;
use molar_web_kit::testing::{admin, organizer, person};
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::testing::{Api, As, blank};

pub const FILE: &str = r#"
[challenge]
slug = "demo"
title = "Demo"
summary = "One track."
zone = "America/Los_Angeles"

[agreement]
version = "1"
text = "Be good."

[[tracks]]
slug = "opg"
title = "OPG"
format = "labelme"
labels = [11, 12]
[[tracks.splits]]
slug = "trial"
is_public = true
[[tracks.splits]]
slug = "test"
is_public = false
[[tracks.phases]]
slug = "early"
title = "Early"
kind = "predictions"
split = "test"
opens_at = "2026-08-15T00:00:00"
closes_at = "2026-08-20T00:00:00"
metrics = ["IA"]
keep = "latest"
[[tracks.phases]]
slug = "final"
title = "Final"
kind = "container"
split = "test"
canary = "trial/Case_1"
opens_at = "2026-08-15T00:00:00"
closes_at = "2026-09-20T00:00:00"
is_final = true
metrics = ["IA", "running_time_s"]
keep = "best"
keep_metric = "IA"
[[tracks.phases.baselines]]
name = "Organizers' U-Net"
values = { IA = 0.5 }
"#;

async fn put(caller: &As, file: &str) -> (u16, Value) {
    let (status, answer) = caller
        .put("/api/v1/challenges", json!({"file": file}))
        .await;
    (status, blank(answer))
}

async fn put_because(caller: &As, file: &str, reason: &str) -> (u16, Value) {
    let body = json!({"file": file, "reason": reason});
    let (status, answer) = caller.put("/api/v1/challenges", body).await;
    (status, blank(answer))
}

fn plan(answer: &Value) -> Vec<String> {
    let text = |step: &Value, name: &str| step[name].as_str().unwrap().to_owned();
    let steps = answer["plan"]
        .as_array()
        .unwrap_or_else(|| panic!("{answer}"));
    let line = |s: &Value| {
        format!(
            "{} {}: {}",
            text(s, "change"),
            text(s, "what"),
            text(s, "detail")
        )
    };
    steps.iter().map(line).collect()
}

/// Of what a reason is asked for.
fn whys(problem: &Value) -> Vec<String> {
    let errors = problem["errors"].as_array().unwrap().iter();
    let what = |error: &Value| {
        let detail = error["detail"].as_str().unwrap();
        detail.split(": ").nth(1).unwrap().to_owned()
    };
    errors.map(what).collect()
}

async fn count(pool: &PgPool, table: &str) -> i64 {
    let count = format!("SELECT count(*) FROM {table}");
    sqlx::query_scalar(sqlx::AssertSqlSafe(count))
        .fetch_one(pool)
        .await
        .unwrap()
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_file_is_planned_then_applied_once(pool: PgPool) {
    let api = Api::new(&pool).await;
    let root = api.of(&admin(&pool, "Root").await);
    let dry = json!({"file": FILE, "dry_run": true});
    let (status, planned) = root.put("/api/v1/challenges", dry).await;
    assert_eq!((status, &planned["challenge_id"]), (200, &Value::Null));
    assert_eq!(count(&pool, "tracks.challenges").await, 0);

    let (_, applied) = put(&root, FILE).await;
    insta::assert_json_snapshot!(plan(&applied), @r#"
    [
      "create challenge demo: is new",
      "create agreement 1: to be signed from now on",
      "create track opg: is new",
      "create split opg/trial: is new",
      "create split opg/test: is new",
      "create phase opg/early: is new",
      "create phase opg/final: is new",
      "update baselines of phase opg/final: 0 → 1"
    ]
    "#);
    assert_eq!(planned["plan"], applied["plan"]);
    let opens: chrono::DateTime<chrono::Utc> =
        sqlx::query_scalar("SELECT opens_at FROM tracks.phases WHERE slug = 'final'")
            .fetch_one(&pool)
            .await
            .unwrap();
    assert_eq!(opens.to_rfc3339(), "2026-08-15T07:00:00+00:00");

    let (_, again) = put(&root, FILE).await;
    assert!(plan(&again).is_empty(), "{again}");
    for table in ["tracks.challenge_files", "audit.entries", "tracks.outbox"] {
        assert_eq!(count(&pool, table).await, 1, "{table}");
    }
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_second_file_says_what_it_changes(pool: PgPool) {
    let api = Api::new(&pool).await;
    let root = api.of(&admin(&pool, "Root").await);
    put(&root, FILE).await;
    let (before, rest) = FILE
        .split_once("[[tracks.phases]]\nslug = \"early\"")
        .unwrap();
    let (_, after) = rest.split_once("[[tracks.phases]]").unwrap();
    let changed = format!("{before}[[tracks.phases]]{after}")
        .replace("2026-09-20", "2026-09-27")
        .replace("IA = 0.5", "IA = 0.6");
    let (status, silent) = put(&root, &changed).await;
    assert_eq!(status, 422, "{silent}");
    insta::assert_json_snapshot!(silent["errors"], @r#"
    [
      {
        "detail": "teams work under these rules; say why they change: phase opg/final: closes_at: \"2026-09-20T07:00:00Z\" → \"2026-09-27T07:00:00Z\"; position: 1 → 0",
        "pointer": "/reason"
      },
      {
        "detail": "teams work under these rules; say why they change: baselines of phase opg/final: 1 → 1",
        "pointer": "/reason"
      },
      {
        "detail": "teams work under these rules; say why they change: phase opg/early: is not in the file",
        "pointer": "/reason"
      }
    ]
    "#);
    assert_eq!(count(&pool, "tracks.phases").await, 2);
    let (_, applied) = put_because(&root, &changed, "the organizers were ill").await;
    let details: Value = sqlx::query_scalar(
        "SELECT details FROM audit.entries WHERE action = 'challenge.applied' ORDER BY seq DESC LIMIT 1",
    )
    .fetch_one(&pool)
    .await
    .unwrap();
    assert_eq!(
        details["plan"][0]["changes"][0],
        json!({"key": "closes_at", "from": "2026-09-20T07:00:00Z", "to": "2026-09-27T07:00:00Z"})
    );
    assert_eq!(details["plan"][1]["changes"][0]["to"][0][2]["IA"], 0.6);
    insta::assert_json_snapshot!(plan(&applied), @r#"
    [
      "update phase opg/final: closes_at: \"2026-09-20T07:00:00Z\" → \"2026-09-27T07:00:00Z\"; position: 1 → 0",
      "update baselines of phase opg/final: 1 → 1",
      "remove phase opg/early: is not in the file"
    ]
    "#);
    assert_eq!(count(&pool, "tracks.phases").await, 1);
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn what_people_signed_and_sent_does_not_change_under_them(pool: PgPool) {
    let api = Api::new(&pool).await;
    let root = api.of(&admin(&pool, "Root").await);
    put(&root, FILE).await;
    let (_, other_text) = put(&root, &FILE.replace("Be good.", "Be bad.")).await;
    insta::assert_json_snapshot!(other_text, @r#"
    {
      "detail": "version 1 of the agreement has another text; give the new text a new version",
      "status": 409,
      "title": "This does not fit the present state",
      "type": "/problems/conflict"
    }
    "#);

    let demo = molar_testkit::ChallengeBuilder::new("used")
        .insert(&pool)
        .await;
    let team = TeamBuilder::new(&demo, "Molars").insert(&pool).await;
    SubmissionBuilder::new(&demo, &team).insert(&pool).await;
    let used = FILE
        .replace("\"demo\"", "\"used\"")
        .replace("Be good.", "Use the data for this challenge only.")
        .replace("\"opg\"", "\"teeth\"")
        .replace(
            "[11, 12]",
            &format!("{:?}", molar_domain::labels::permanent()),
        )
        .replace("\"test\"", "\"validation\"")
        .replace("\"early\"", "\"validation\"");
    let (status, silent) = put(&root, &used).await;
    assert_eq!(status, 422, "{silent}");
    assert_eq!(whys(&silent), ["challenge used", "phase teeth/validation"]);
    let body = json!({"file": used, "reason": "the organizers were ill"});
    assert_eq!(root.put("/api/v1/challenges", body).await.0, 200);
    let groups = used.replacen("labels = [", "groups = { front = [11] }\nlabels = [", 1);
    let (status, silent) = put(&root, &groups).await;
    assert_eq!(status, 422, "{silent}");
    assert_eq!(whys(&silent), ["track teeth"]);
    let body = json!({"file": groups, "reason": "the front teeth matter"});
    assert_eq!(root.put("/api/v1/challenges", body).await.0, 200);
    let moved = used.replacen("split = \"validation\"", "split = \"trial\"", 1);
    let (status, moved) = put_because(&root, &moved, "another task").await;
    assert_eq!(status, 409, "{moved}");

    let gone = used.replacen("slug = \"validation\"\ntitle", "slug = \"other\"\ntitle", 1);
    let (_, gone) = put_because(&root, &gone, "it is over").await;
    let kept = plan(&gone)
        .into_iter()
        .find(|line| line.starts_with("keep"));
    assert_eq!(
        kept.unwrap(),
        "keep phase teeth/validation: is not in the file, but has submissions"
    );
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_bad_file_is_told_where_and_changes_nothing(pool: PgPool) {
    let api = Api::new(&pool).await;
    let root = api.of(&admin(&pool, "Root").await);
    let bad = FILE
        .replace("\"IA\", \"running_time_s\"", "\"IA\", \"F2\"")
        .replace("2026-09-20", "2026-08-10");
    let (status, problem) = put(&root, &bad).await;
    assert_eq!(status, 422);
    insta::assert_json_snapshot!(problem, @r#"
    {
      "errors": [
        {
          "detail": "the phase ends before it starts",
          "pointer": "/tracks/0/phases/1/closes_at"
        },
        {
          "detail": "there is no metric `F2`; known are image_DSC, image_IoU, image_NSD, image_HD, image_HD95, image_ASSD, instance_DSC, instance_IoU, instance_NSD, instance_HD, instance_HD95, instance_ASSD, IA, PQ, SQ, RQ, detection_precision, detection_recall, detection_F1, running_time_s, gpu_memory_area_mib_s; image_NSD@1.5mm and instance_NSD@1.5mm with any tolerance; instance_DSC/GROUP and so on with a group of the track; PQ@greedy, PQ@optimal and so on with a matching",
          "pointer": "/tracks/0/phases/1/metrics/1"
        }
      ],
      "status": 422,
      "title": "The request is not valid",
      "type": "/problems/invalid-request"
    }
    "#);
    let (status, problem) = put(&root, &FILE.replace("is_final", "is_finale")).await;
    assert_eq!(status, 422);
    let detail = problem["errors"][0]["detail"].as_str().unwrap();
    assert!(detail.contains("is_finale"), "{detail}");
    assert_eq!(count(&pool, "tracks.challenges").await, 0);
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn only_its_organizers_change_a_challenge_and_only_admins_make_one(pool: PgPool) {
    let api = Api::new(&pool).await;
    let elsewhere = molar_testkit::ChallengeBuilder::new("elsewhere")
        .insert(&pool)
        .await;
    let fritz = api.of(&organizer(&pool, "Fritz", elsewhere.id).await);
    let (_, refused) = put(&fritz, FILE).await;
    insta::assert_json_snapshot!(refused, @r#"
    {
      "detail": "there is no challenge with this slug, and only an administrator makes a new one",
      "status": 403,
      "title": "This is not yours to do",
      "type": "/problems/forbidden"
    }
    "#);
    put(&api.of(&admin(&pool, "Root").await), FILE).await;
    assert_eq!(put(&fritz, FILE).await.0, 403);

    let id = sqlx::query_scalar("SELECT id FROM tracks.challenges WHERE slug = 'demo'");
    let id: uuid::Uuid = id.fetch_one(&pool).await.unwrap();
    let olga = organizer(&pool, "Olga", id.into()).await;
    assert_eq!(put(&api.of(&olga), FILE).await.0, 200);
    assert_eq!(put(&api.of(&person(&pool, "Ada").await), FILE).await.0, 403);
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_phase_that_asks_for_more_than_the_operator_allows_is_refused_whole(pool: PgPool) {
    let caps = molar_domain::limits::Caps::parse("wall_s = 200").unwrap();
    let api = Api::with_caps(&pool, caps).await;
    let root = api.of(&admin(&pool, "Root").await);
    let (status, answer) = put(&root, FILE).await;
    assert_eq!(status, 422);
    let errors = answer["errors"].as_array().unwrap();
    let pointers: Vec<_> = errors.iter().map(|error| &error["pointer"]).collect();
    assert_eq!(
        pointers,
        [
            "/tracks/0/phases/0/limits/wall_s",
            "/tracks/0/phases/1/limits/wall_s"
        ]
    );
    let tamed = FILE.replace(
        "is_final = true\n",
        "is_final = true\nlimits = { wall_s = 200 }\n",
    );
    let (_, answer) = put(&root, &tamed).await;
    assert_eq!(answer["errors"].as_array().unwrap().len(), 1, "{answer}");
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn what_the_machines_are_is_kept_and_follows_the_file(pool: PgPool) {
    let api = Api::new(&pool).await;
    let root = api.of(&admin(&pool, "Root").await);
    let class =
        "[[device_classes]]\nslug = \"gpu\"\ngpu = \"A100\"\ndriver = \"535\"\n\n[[tracks]]\nslug";
    let with = FILE.replacen("[[tracks]]\nslug", class, 1);
    let (status, applied) = put(&root, &with).await;
    assert_eq!(status, 200, "{applied}");
    assert!(plan(&applied).contains(&"create device class gpu: is new".to_owned()));
    assert!(plan(&put(&root, &with).await.1).is_empty());
    let (_, shown) = api.nobody().get("/api/v1/challenges/demo").await;
    assert_eq!(shown["device_classes"][0]["gpu"], "A100");
    let newer = with.replace("driver = \"535\"", "");
    let (_, changed) = put(&root, &newer).await;
    assert_eq!(
        plan(&changed),
        ["update device class gpu: driver: \"535\" → null"]
    );
    let (_, removed) = put(&root, FILE).await;
    assert_eq!(
        plan(&removed),
        ["remove device class gpu: is not in the file"]
    );
    assert_eq!(count(&pool, "tracks.device_classes").await, 0);
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn one_organizer_does_not_take_away_what_needs_two(pool: PgPool) {
    let api = Api::new(&pool).await;
    let root = api.of(&admin(&pool, "Root").await);
    let careful = FILE.replace(
        "summary = \"One track.\"\n",
        "summary = \"One track.\"\nsecond_organizer = [\"rescore\", \"publish\"]\n",
    );
    assert_eq!(put(&root, &careful).await.0, 200);
    let id = sqlx::query_scalar("SELECT id FROM tracks.challenges WHERE slug = 'demo'");
    let id: uuid::Uuid = id.fetch_one(&pool).await.unwrap();
    let olga = api.of(&organizer(&pool, "Olga", id.into()).await);
    assert_eq!(put(&olga, &careful).await.0, 200);

    let fewer = careful.replace("[\"rescore\", \"publish\"]", "[\"publish\"]");
    let (status, refused) = put(&olga, &fewer).await;
    assert_eq!(
        (status, &refused["code"]),
        (403, &json!("second-organizer-kept"))
    );
    let more = careful.replace("\"publish\"]", "\"publish\", \"disqualify\"]");
    assert_eq!(put(&olga, &more).await.0, 200);
    assert_eq!(put(&root, &fewer).await.0, 200);
    let (status, wrong) = put(&root, &careful.replace("\"publish\"", "\"all\"")).await;
    assert_eq!(status, 422, "{wrong}");
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn only_the_plan_that_was_shown_is_applied(pool: PgPool) {
    let api = Api::new(&pool).await;
    let root = api.of(&admin(&pool, "Root").await);
    put(&root, FILE).await;
    let file = FILE.replace("title = \"Final\"", "title = \"The final\"");
    let overlay = "[[tracks]]\nslug = \"opg\"\n[[tracks.phases]]\nslug = \"early\"\ncloses_at = \"now+30d\"\n";
    let ask = |dry_run: bool, plan: &Value| json!({"file": file, "overlay": overlay, "dry_run": dry_run, "reason": "it is late", "plan": plan});
    let (_, shown) = root
        .put("/api/v1/challenges", ask(true, &Value::Null))
        .await;
    assert_eq!(
        shown["needs_reason"].as_array().unwrap().len(),
        2,
        "{shown}"
    );

    // Somebody else is quicker.
    let other = FILE.replace("Demo\"", "Another title\"");
    assert_eq!(put(&root, &other).await.0, 200);
    let (status, stale) = root
        .put("/api/v1/challenges", ask(false, &shown["plan_id"]))
        .await;
    assert_eq!((status, &stale["code"]), (409, &json!("plan-changed")));
    assert_eq!(count(&pool, "tracks.challenge_files").await, 2);

    let (_, shown) = root
        .put("/api/v1/challenges", ask(true, &Value::Null))
        .await;
    let (status, applied) = root
        .put("/api/v1/challenges", ask(false, &shown["plan_id"]))
        .await;
    assert_eq!(status, 200, "{applied}");
    assert_eq!(applied["plan"], shown["plan"]);
    let (_, garbage) = root
        .put("/api/v1/challenges", ask(false, &json!("my plan")))
        .await;
    assert_eq!(garbage["code"], "plan-changed");
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn the_plan_says_whom_it_touches(pool: PgPool) {
    let api = Api::new(&pool).await;
    let root = api.of(&admin(&pool, "Root").await);
    let demo = molar_testkit::ChallengeBuilder::new("used")
        .insert(&pool)
        .await;
    for name in ["Molars", "Canines"] {
        let team = TeamBuilder::new(&demo, name).insert(&pool).await;
        let submission = SubmissionBuilder::new(&demo, &team).insert(&pool).await;
        molar_testkit::EvaluationBuilder::new(&demo, &submission, json!({"IA": 0.5}))
            .insert(&pool)
            .await;
    }
    let used = used().replace(
        "kind = \"predictions\"",
        "kind = \"predictions\"\nretention_days = 30",
    );
    let dry = json!({"file": used, "dry_run": true});
    let (_, planned) = root.put("/api/v1/challenges", dry).await;
    let steps = planned["plan"].as_array().unwrap();
    let step = steps
        .iter()
        .find(|step| step["what"] == "phase teeth/validation");
    let touches = &step.unwrap()["touches"];
    assert_eq!(
        touches,
        &json!({"teams": 2, "submissions": 2, "evaluations": 2, "ranks": 0, "kept_shorter": 2})
    );
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn the_rules_of_a_phase_are_kept_and_shown(pool: PgPool) {
    let api = Api::new(&pool).await;
    let root = api.of(&admin(&pool, "Root").await);
    let file = FILE
        .replace("2026-08-15T00:00:00\"\ncloses_at = \"2026-09-20", "2026-08-21T00:00:00\"\ncloses_at = \"2026-09-20")
        .replace(
            "is_final = true\n",
            "is_final = true\nrequires_code_url = true\nallowed_licences = [\"MIT\"]\nfreezes_at = \"2026-09-19T00:00:00\"\nvisibility = \"participants\"\nfinalists = { phase = \"early\", top = 10 }\nboard = { names = \"anonymous\", values = \"rounded\", decimals = 2, ladder_step = 0.005 }\n",
        );
    let (status, applied) = put(&root, &file).await;
    assert_eq!(status, 200, "{applied}");
    let (_, again) = put(&root, &file).await;
    assert!(plan(&again).is_empty(), "{again}");
    let (_, seen) = api.nobody().get("/api/v1/challenges/demo").await;
    let last = &seen["tracks"][0]["phases"][1];
    assert_eq!(last["finalists"], json!({"phase": "Early", "top": 10}));
    assert_eq!(last["freezes_at"], "2026-09-19T07:00:00Z");
    assert_eq!(last["allowed_licences"], json!(["MIT"]));
    let (_, page) = api.nobody().page("/challenges/demo").await;
    for part in [
        "Only the 10 best teams of “Early” may submit.",
        "under MIT.",
        "stands still from 19 September 2026, 00:00 PDT",
        "Only teams of this track see the board.",
        "The board rounds values to 2 decimals",
        "improves by more than 0.005 (a Ladder)",
        "Teams see no scores of single submissions.",
    ] {
        assert!(page.contains(part), "{part} is not in {page}");
    }
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_hidden_board_comes_out_by_publishing_alone(pool: PgPool) {
    let api = Api::new(&pool).await;
    let root = api.of(&admin(&pool, "Root").await);
    let demo = molar_testkit::ChallengeBuilder::new("used")
        .insert(&pool)
        .await;
    let team = TeamBuilder::new(&demo, "Molars").insert(&pool).await;
    SubmissionBuilder::new(&demo, &team).insert(&pool).await;
    let used = used();
    let hidden = used.replace(
        "keep = \"latest\"\n",
        "keep = \"latest\"\nboard = { is_hidden = true, names = \"anonymous\" }\n",
    );
    let dry = json!({"file": hidden, "dry_run": true});
    let (_, planned) = root.put("/api/v1/challenges", dry).await;
    let told = planned.to_string();
    assert!(told.contains("board.is_hidden: false → true"), "{told}");
    let (status, applied) = put_because(&root, &hidden, "for the ceremony").await;
    assert_eq!(status, 200, "{applied}");
    let (status, refused) = put_because(&root, &used, "it is enough").await;
    assert_eq!(status, 409, "{refused}");
    let told = refused["detail"].as_str().unwrap();
    assert!(
        told.contains("its board is shown when it is published"),
        "{told}"
    );
}

/// The file of what [`molar_testkit::ChallengeBuilder`] makes.
fn used() -> String {
    FILE.replace("\"demo\"", "\"used\"")
        .replace("Be good.", "Use the data for this challenge only.")
        .replace("\"opg\"", "\"teeth\"")
        .replace(
            "[11, 12]",
            &format!("{:?}", molar_domain::labels::permanent()),
        )
        .replace("\"test\"", "\"validation\"")
        .replace("\"early\"", "\"validation\"")
}
