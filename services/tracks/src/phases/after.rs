//! A phase that opens when another is published.

use chrono::TimeDelta;
use molar_domain::PhaseId;
use molar_testkit::{Challenge, ChallengeBuilder, PhaseBuilder, SubmissionBuilder, TeamBuilder};
use molar_web_kit::testing::{admin, noon, organizer};
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::testing::{Api, As};

const FILE: &str = r#"
[challenge]
slug = "demo"
title = "Demo"
summary = "One track."
zone = "UTC"
[agreement]
version = "1"
text = "Be good."
[[tracks]]
slug = "opg"
title = "OPG"
format = "labelme"
labels = [11, 12]
[[tracks.splits]]
slug = "test"
is_public = false
[[tracks.phases]]
slug = "final"
title = "The final"
kind = "predictions"
split = "test"
opens_at = "2026-08-15T00:00:00"
closes_at = "2026-08-20T00:00:00"
is_final = true
metrics = ["IA"]
keep = "latest"
[[tracks.phases]]
slug = "open"
title = "Open"
kind = "predictions"
split = "test"
opens_at = "2026-08-20T00:00:00"
opens_after = "final"
closes_at = "2027-08-20T00:00:00"
metrics = ["IA"]
keep = "latest"
"#;

async fn apply(caller: &As, file: &str, reason: Option<&str>) -> (u16, Value) {
    let body = json!({"file": file, "reason": reason});
    caller.put("/api/v1/challenges", body).await
}

/// As everybody is told.
async fn phase(api: &Api, slug: &str) -> Value {
    let (_, challenge) = api.nobody().get("/api/v1/challenges/demo").await;
    let phases = challenge["tracks"][0]["phases"].as_array().unwrap();
    phases.iter().find(|p| p["slug"] == slug).unwrap().clone()
}

async fn publish(api: &Api, caller: &As) {
    let id = phase(api, "final").await["id"].as_str().unwrap().to_owned();
    let (status, told) = caller
        .post(&format!("/api/v1/phases/{id}/publish"), json!({}))
        .await;
    assert_eq!(status, 200, "{told}");
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn it_opens_in_the_moment_of_the_publication_which_says_so_in_the_audit_log(pool: PgPool) {
    let api = Api::new(&pool).await;
    let root = api.of(&admin(&pool, "Root").await);
    let (status, applied) = apply(&root, FILE, None).await;
    assert_eq!(status, 200, "{applied}");
    let (status, again) = apply(&root, FILE, None).await;
    assert_eq!((status, &again["plan"]), (200, &json!([])));
    let held = phase(&api, "open").await;
    assert_eq!(held["state"], "planned");
    let last = phase(&api, "final").await;
    let after = json!({"phase_id": last["id"], "phase": "The final", "is_published": false});
    assert_eq!(held["opens_after"], after);
    let (_, page) = api.nobody().page("/challenges/demo").await;
    assert!(
        page.contains("opens when “The final” is published"),
        "{page}"
    );
    assert!(
        page.contains("<dt>Opens</dt><dd>when “The final” is published</dd>"),
        "{page}"
    );
    let (_, home) = api.nobody().page("/").await;
    assert!(
        home.contains("opens when “The final” is published"),
        "{home}"
    );
    // Of a phase that has not opened nothing has to be explained.
    let path = format!("/api/v1/phases/{}", held["id"].as_str().unwrap());
    let (status, longer) = root
        .patch(&path, json!({"closes_at": "2028-01-01T00:00:00Z"}))
        .await;
    assert_eq!(status, 200, "{longer}");
    assert_eq!(root.post(&format!("{path}/pause"), json!({})).await.0, 200);
    assert_eq!(root.post(&format!("{path}/resume"), json!({})).await.0, 200);

    publish(&api, &root).await;
    let open = phase(&api, "open").await;
    assert_eq!(open["state"], "open");
    assert_eq!(open["opens_at"], "2026-09-01T12:00:00Z");
    assert_eq!(open["opens_after"]["is_published"], true);
    let told =
        sqlx::query_scalar!("SELECT details FROM audit.entries WHERE action = 'phase.published'");
    let told = told.fetch_one(&pool).await.unwrap();
    assert_eq!(told["opens"], json!([open["id"]]));
    let (status, silent) = root.post(&format!("{path}/pause"), json!({})).await;
    assert_eq!(status, 422, "{silent}");
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn who_lets_it_go_before_the_publication_says_why(pool: PgPool) {
    let api = Api::new(&pool).await;
    let root = api.of(&admin(&pool, "Root").await);
    assert_eq!(apply(&root, FILE, None).await.0, 200);
    let loose = FILE.replace("opens_after = \"final\"\n", "");
    let (status, silent) = apply(&root, &loose, None).await;
    assert_eq!(status, 422, "{silent}");
    let told = silent["errors"][0]["detail"].as_str().unwrap();
    assert!(told.contains("opens_after: "), "{told}");
    assert_eq!(phase(&api, "open").await["state"], "planned");
    let (status, _) = apply(&root, &loose, Some("the workshop is off")).await;
    assert_eq!(status, 200);
    assert_eq!(phase(&api, "open").await["state"], "open");
    // The other way round it is a change of a phase that runs.
    assert_eq!(apply(&root, FILE, None).await.0, 422);
    assert_eq!(apply(&root, FILE, Some("it is on again")).await.0, 200);
    assert_eq!(phase(&api, "open").await["state"], "planned");
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn both_go_with_a_file_that_names_them_no_more(pool: PgPool) {
    let api = Api::new(&pool).await;
    let root = api.of(&admin(&pool, "Root").await);
    assert_eq!(apply(&root, FILE, None).await.0, 200);
    let (rest, open) = FILE.rsplit_once("[[tracks.phases]]").unwrap();
    assert!(open.contains("opens_after"));
    let other = rest.replace("slug = \"final\"", "slug = \"other\"");
    let (status, applied) = apply(&root, &other, Some("it was a mistake")).await;
    assert_eq!(status, 200, "{applied}");
    let steps = applied["plan"].as_array().unwrap().iter();
    let gone = steps.filter(|step| step["change"] == "remove");
    let gone: Vec<_> = gone.map(|step| &step["what"]).collect();
    assert_eq!(gone, ["phase opg/open", "phase opg/final"]);
}

/// A phase that is open by the clock, and a final after whose publication it opens.
async fn held(pool: &PgPool) -> (Challenge, PhaseId) {
    let demo = ChallengeBuilder::new("demo").insert(pool).await;
    let week = TimeDelta::days(7);
    let last = PhaseBuilder::new("final")
        .is_final()
        .window(noon() + week, noon() + week * 2);
    let last = last.insert(pool, &demo).await;
    sqlx::query!(
        "UPDATE tracks.phases SET opens_after = $1 WHERE id <> $1",
        last.0
    )
    .execute(pool)
    .await
    .unwrap();
    (demo, last)
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn cases_change_as_long_as_it_has_not_opened(pool: PgPool) {
    let (demo, last) = held(&pool).await;
    let api = Api::new(&pool).await;
    let olga = api.of(&organizer(&pool, "Olga", demo.id).await);
    let remove = |case: usize| format!("/api/v1/cases/{}/remove", demo.cases[case].id);
    let why = json!({"reason": "it is there twice"});
    let (status, removed) = olga.post(&remove(0), why.clone()).await;
    assert_eq!(status, 200, "{removed}");
    // Paused, so that it is not the final itself that bars it.
    sqlx::query!(
        "UPDATE tracks.phases SET published_at = $2, paused_at = $2, opens_at = $3, closes_at = $2 WHERE id = $1",
        last.0,
        noon(),
        noon() - TimeDelta::days(1),
    )
    .execute(&pool)
    .await
    .unwrap();
    let (status, refused) = olga.post(&remove(1), why).await;
    assert_eq!(
        (status, &refused["code"]),
        (409, &json!("phase-opened")),
        "{refused}"
    );
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn what_was_submitted_to_does_not_wait_any_more(pool: PgPool) {
    let api = Api::new(&pool).await;
    let root = api.of(&admin(&pool, "Root").await);
    let loose = FILE.replace("opens_after = \"final\"\n", "");
    assert_eq!(apply(&root, &loose, None).await.0, 200);
    // A submission of somebody, whichever challenge it belongs to otherwise.
    let other = ChallengeBuilder::new("other").insert(&pool).await;
    let team = TeamBuilder::new(&other, "Ones").insert(&pool).await;
    SubmissionBuilder::new(&other, &team).insert(&pool).await;
    let open = phase(&api, "open").await["id"].as_str().unwrap().to_owned();
    let open: uuid::Uuid = open.parse().unwrap();
    sqlx::query!("UPDATE submission.submissions SET phase_id = $1", open)
        .execute(&pool)
        .await
        .unwrap();
    let (status, refused) = apply(&root, FILE, Some("a change of mind")).await;
    assert_eq!(status, 409, "{refused}");
    let why = refused["detail"].as_str().unwrap();
    assert!(why.contains("it has opened"), "{why}");
    // Once the final is published it would not have to wait.
    publish(&api, &root).await;
    let (status, applied) = apply(&root, FILE, Some("a change of mind")).await;
    assert_eq!(status, 200, "{applied}");
    assert_eq!(phase(&api, "open").await["state"], "open");
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_final_that_is_published_while_it_runs_lets_the_next_go_at_its_close(pool: PgPool) {
    let api = Api::new(&pool).await;
    let root = api.of(&admin(&pool, "Root").await);
    let running = FILE.replace(
        "2026-08-20T00:00:00\"\nis_final",
        "2026-09-20T00:00:00\"\nis_final",
    );
    assert_eq!(apply(&root, &running, None).await.0, 200);
    publish(&api, &root).await;
    let open = phase(&api, "open").await;
    assert_eq!(
        (&open["state"], &open["opens_at"]),
        (&json!("planned"), &json!("2026-09-20T00:00:00Z"))
    );
}

/// The two are one behind the other, whichever of them is moved.
#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn neither_is_moved_so_that_it_would_never_open(pool: PgPool) {
    let api = Api::new(&pool).await;
    let root = api.of(&admin(&pool, "Root").await);
    let later = FILE.replace(
        "2026-08-20T00:00:00\"\nis_final",
        "2026-09-20T00:00:00\"\nis_final",
    );
    assert_eq!(apply(&root, &later, None).await.0, 200);
    for (slug, closes_at, why) in [
        (
            "final",
            "2028-01-01T00:00:00",
            "Open opens after this phase",
        ),
        (
            "open",
            "2026-09-10T00:00:00",
            "this phase opens after The final",
        ),
    ] {
        let id = phase(&api, slug).await["id"].as_str().unwrap().to_owned();
        let body = json!({"closes_at": closes_at, "reason": "a holiday"});
        let (status, refused) = root.patch(&format!("/api/v1/phases/{id}"), body).await;
        assert_eq!(status, 422, "{refused}");
        let told = refused["errors"][0]["detail"].as_str().unwrap();
        assert!(told.contains(why), "{told}");
    }
}

/// What was planned before it had to wait longer than was thought stands in the way of nothing else.
#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_freeze_before_it_opened_does_not_bar_other_changes(pool: PgPool) {
    let api = Api::new(&pool).await;
    let root = api.of(&admin(&pool, "Root").await);
    let freezes = "opens_after = \"final\"\nfreezes_at = \"2026-08-25T00:00:00\"";
    let file = FILE.replace("opens_after = \"final\"", freezes);
    let (status, applied) = apply(&root, &file, None).await;
    assert_eq!(status, 200, "{applied}");
    publish(&api, &root).await;
    let id = phase(&api, "open").await["id"].as_str().unwrap().to_owned();
    let path = format!("/api/v1/phases/{id}");
    for change in [
        json!({"retention_days": 90, "reason": "the disk is full"}),
        json!({"closes_at": "2027-09-20T00:00:00", "reason": "many asked"}),
    ] {
        let (status, changed) = root.patch(&path, change).await;
        assert_eq!(status, 200, "{changed}");
    }
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn the_title_of_a_phase_that_is_hidden_is_not_told_by_the_one_that_waits(pool: PgPool) {
    let api = Api::new(&pool).await;
    let root = api.of(&admin(&pool, "Root").await);
    let hidden = FILE.replace(
        "is_final = true",
        "is_final = true\nvisibility = \"organizers\"",
    );
    assert_eq!(apply(&root, &hidden, None).await.0, 200);
    for page in ["/challenges/demo", "/"] {
        let (_, html) = api.nobody().page(page).await;
        assert!(!html.contains("The final"), "{page}: {html}");
        assert!(html.contains("“another phase” is published"), "{page}");
    }
    assert_eq!(
        phase(&api, "open").await["opens_after"]["phase"],
        "another phase"
    );
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_file_does_not_move_the_close_of_a_phase_whose_finalists_are_named(pool: PgPool) {
    let api = Api::new(&pool).await;
    let root = api.of(&admin(&pool, "Root").await);
    assert_eq!(apply(&root, FILE, None).await.0, 200);
    sqlx::query!(
        "INSERT INTO tracks.finals (phase_id, top, ranking_version, named_by, named_at)
         SELECT id, 3, 1, id, now() FROM tracks.phases WHERE slug = 'final'"
    )
    .execute(&pool)
    .await
    .unwrap();
    let moved = FILE.replace(
        "2026-08-20T00:00:00\"\nis_final",
        "2026-08-19T00:00:00\"\nis_final",
    );
    let (status, refused) = apply(&root, &moved, Some("a mistake")).await;
    assert_eq!(
        (status, &refused["code"]),
        (409, &json!("finalists-named")),
        "{refused}"
    );
}
