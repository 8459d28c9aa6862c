//! The history of any team: what is told, to whom, and up to which version.

use actix_web::http::StatusCode;
use chrono::TimeDelta;
use molar_domain::PhaseId;
use molar_testkit::{Challenge, PhaseBuilder, Team, TeamBuilder, noon};
use serde_json::{Value, json};
use sqlx::PgPool;

use super::by_case::{self, draw};
use super::spied::{World, rules};
use super::world::{challenge, entry, fold_at, get, set};
use crate::testing::ask;

const PAGE: &str = "/boards/sts/teeth/validation/history";

fn path(phase: PhaseId, of: &str) -> String {
    format!("/api/v1/boards/{phase}/history{of}")
}

/// As anybody is told.
async fn told(db: &PgPool, phase: PhaseId, query: &str) -> Value {
    let (status, body) = get(db, &path(phase, query), None).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    serde_json::from_str(&body).unwrap()
}

/// Of each step version, rank and value.
fn steps(told: &Value) -> Value {
    let steps = told["history"]["steps"].as_array().unwrap().iter();
    let steps = steps.map(|step| json!([step["version"], step["rank"], step["value"]]));
    steps.collect()
}

/// Makes a version, so many hours before noon.
async fn fold(db: &PgPool, challenge: &Challenge, hours: i64) {
    let at = noon() - TimeDelta::hours(hours);
    assert!(fold_at(db, challenge.phase_id, at).await, "a new version");
}

async fn team(db: &PgPool, challenge: &Challenge, name: &str, ia: f64) -> Team {
    let team = TeamBuilder::new(challenge, name).insert(db).await;
    entry(db, challenge, &team, -600, ia).await;
    team
}

async fn set_state(db: &PgPool, team: &Team, state: &str) {
    sqlx::query!(
        "UPDATE registration.participations SET state = $2, reason = 'why' WHERE team_id = $1",
        team.id.0,
        state
    )
    .execute(db)
    .await
    .unwrap();
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn the_ninth_team_has_a_history_of_its_own(db: PgPool) {
    let challenge = challenge(&db, PhaseBuilder::new("validation")).await;
    let phase = challenge.phase_id;
    for place in 1..=8 {
        let ia = 1.0 - f64::from(place) / 20.0;
        team(&db, &challenge, &format!("Team {place}"), ia).await;
    }
    let ninth = team(&db, &challenge, "Ninth", 0.125).await;
    fold(&db, &challenge, 3).await;
    entry(&db, &challenge, &ninth, -120, 0.25).await;
    fold(&db, &challenge, 2).await;
    draw(&db, phase).await;
    let common = format!("/api/v1/boards/{phase}/figures/history.svg");
    let (_, common) = get(&db, &common, None).await;
    assert!(common.contains("Team 1") && !common.contains("Ninth"));

    let seen = told(&db, phase, "?team=Ninth&metric=IA").await;
    assert_eq!(steps(&seen), json!([[1, 9, 0.125], [2, 9, 0.25]]));
    let history = &seen["history"];
    assert_eq!(
        (&history["version"], &history["changes"]),
        (&json!(2), &json!(2))
    );
    assert_eq!(history["steps"][0]["at"], "2026-09-01T09:00:00Z");
    let figure = async |name: &str| {
        let file = path(phase, &format!("/{name}.svg?team=Ninth"));
        let (status, svg) = get(&db, &file, None).await;
        assert_eq!(status, StatusCode::OK, "{svg}");
        svg
    };
    let rank = figure("rank").await;
    assert!(
        rank.contains("is at rank\u{a0}9 as at first, in 1 step."),
        "{rank}"
    );
    let value = figure("value").await;
    assert!(
        value.contains("improved from 0.1250 to 0.2500 in 2 steps"),
        "{value}"
    );
    let (_, page) = get(&db, &format!("{PAGE}?team=Ninth"), None).await;
    assert_eq!(page.matches("figure figure-wide").count(), 2);
    for told in ["0.1250", "0.2500", "1 September 2026, 12:00 CEST"] {
        assert!(page.contains(told), "{told}: {page}");
    }
    assert!(page.contains("<option value=\"Ninth\" dir=\"auto\" selected>"));
    let newest = page.find("12:00 CEST").unwrap();
    assert!(newest < page.find("11:00 CEST").unwrap(), "{page}");
    // The first by the first metric, where nothing is asked for.
    let first = told(&db, phase, "").await;
    assert_eq!(first["history"]["team"], "Team 1");
    assert_eq!(first["history"]["steps"].as_array().unwrap().len(), 1);

    let (_, figures) = get(&db, "/boards/sts/teeth/validation/figures", None).await;
    assert!(figures.contains(&format!("href=\"{PAGE}\"")), "{figures}");
    let compared = format!("{}?a=Ninth&b=Team%201", by_case::PAGE);
    let (_, compared) = get(&db, &compared, None).await;
    let link = format!("href=\"{PAGE}?team=Ninth&#38;metric=IA\"");
    assert!(compared.contains(&link), "{compared}");
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn who_was_off_the_board_for_a_while_comes_back_to_its_own_history(db: PgPool) {
    let challenge = challenge(&db, PhaseBuilder::new("validation")).await;
    let phase = challenge.phase_id;
    team(&db, &challenge, "Ants", 0.75).await;
    fold(&db, &challenge, 6).await;
    let bees = team(&db, &challenge, "Bees", 0.5).await;
    fold(&db, &challenge, 5).await;
    set_state(&db, &bees, "withdrawn").await;
    fold(&db, &challenge, 4).await;
    let query = "?team=Bees";
    for path in [path(phase, query), path(phase, "/rank.svg?team=Bees")] {
        let (status, gone) = get(&db, &path, None).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{path}: {gone}");
    }
    let (status, gone) = get(&db, &format!("{PAGE}{query}"), None).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert!(
        !gone.contains("value=\"Bees\"") && !gone.contains("figure-wide"),
        "{gone}"
    );
    team(&db, &challenge, "Cats", 0.625).await;
    fold(&db, &challenge, 3).await;
    set_state(&db, &bees, "approved").await;
    fold(&db, &challenge, 2).await;
    // Version 1 did not have it yet; in the fourth it was not on the board as in the third.
    let seen = told(&db, phase, query).await;
    assert_eq!(
        steps(&seen),
        json!([[2, 2, 0.5], [3, null, null], [5, 3, 0.5]])
    );
    let is_there = |step: usize| &seen["history"]["steps"][step]["is_there"];
    assert_eq!([0, 1, 2].map(is_there), [true, false, true]);
    let (_, page) = get(&db, &format!("{PAGE}{query}"), None).await;
    assert_eq!(page.matches("not on the board<").count(), 1, "{page}");
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn out_of_competition_there_are_values_and_no_rank(db: PgPool) {
    let world = World::new(&db).await;
    let phase = world.challenge.phase_id;
    let seen = told(&db, phase, "?team=Ibexes&metric=image_DSC").await;
    assert_eq!(steps(&seen), json!([[1, null, 0.33391]]));
    let file = |name: &str| path(phase, &format!("/{name}.svg?team=Ibexes"));
    assert_eq!(get(&db, &file("rank"), None).await.0, StatusCode::NOT_FOUND);
    assert_eq!(get(&db, &file("value"), None).await.0, StatusCode::OK);
    let (_, page) = get(&db, &format!("{PAGE}?team=Ibexes"), None).await;
    assert_eq!(page.matches("figure figure-wide").count(), 1);
    assert!(page.contains("out of competition"), "{page}");
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn what_the_board_does_not_have_is_told_at_the_form(db: PgPool) {
    let challenge = challenge(&db, PhaseBuilder::new("validation")).await;
    let phase = challenge.phase_id;
    let (status, nobody) = get(&db, &format!("{PAGE}?team=Ants"), None).await;
    assert_eq!(status, StatusCode::OK);
    assert!(
        nobody.contains("Nobody is on this board yet") && !nobody.contains("Ants"),
        "{nobody}"
    );
    let none = told(&db, phase, "?team=Ants").await;
    assert!(none.get("history").is_none() && none.get("hidden").is_none());
    team(&db, &challenge, "Ants", 0.5).await;
    fold(&db, &challenge, 1).await;
    for (query, what, said) in [
        ("team=Cats", "team", "entry of “<bdi>Cats</bdi>”"),
        ("team=ants", "team", "entry of “<bdi>ants</bdi>”"),
        ("team=%00", "team", "entry of “<bdi>"),
        (
            "team=%3Cscript%3E",
            "team",
            "entry of “<bdi>&#60;script&#62;</bdi>”",
        ),
        ("metric=Nonsense", "metric", "metric “<bdi>Nonsense</bdi>”"),
        ("metric=PQ", "metric", "metric “<bdi>PQ</bdi>”"),
    ] {
        let (status, page) = get(&db, &format!("{PAGE}?{query}"), None).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{query}");
        assert!(
            page.contains(said) && page.contains("<option value=\"Ants\""),
            "{query}: {page}"
        );
        for of in ["", "/rank.svg", "/value.png"] {
            let (status, problem) = get(&db, &path(phase, &format!("{of}?{query}")), None).await;
            assert_eq!(status, StatusCode::NOT_FOUND, "{of} {query}");
            let detail = format!("no such {what} on this board");
            assert!(problem.contains(&detail), "{query}: {problem}");
        }
    }
    for query in ["", "?team=&metric=", "?team=Ants&metric=IA"] {
        let (status, page) = get(&db, &format!("{PAGE}{query}"), None).await;
        assert!(
            status == StatusCode::OK && page.contains("0.5000"),
            "{page}"
        );
    }
    for (of, status) in [
        ("/podium.svg", StatusCode::NOT_FOUND),
        ("/value.png?scale=5", StatusCode::UNPROCESSABLE_ENTITY),
        ("?teams=Ants", StatusCode::BAD_REQUEST),
        ("/rank.svg?scale=2", StatusCode::BAD_REQUEST),
    ] {
        assert_eq!(get(&db, &path(phase, of), None).await.0, status, "{of}");
    }
    let missing = get(&db, "/boards/sts/teeth/nothing/history", None).await;
    assert_eq!(missing.0, StatusCode::NOT_FOUND);
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn no_mode_that_hides_names_or_values_tells_a_history_but_to_organizers(db: PgPool) {
    let world = World::new(&db).await;
    let phase = world.challenge.phase_id;
    let query = "?team=Walruses&metric=image_DSC";
    for mode in [
        rules(json!({"names": "anonymous"})),
        rules(json!({"values": "rounded", "decimals": 1})),
        rules(json!({"values": "order"})),
        rules(json!({"ladder_step": 0.05})),
        rules(json!({"is_hidden": true})),
        "is_final = true".into(),
        "visibility = 'participants'".into(),
    ] {
        set(&db, "board = '{}', is_final = false, visibility = 'public'").await;
        set(&db, &mode).await;
        for person in [None, Some(&world.stranger)] {
            let (status, page) = get(&db, &format!("{PAGE}{query}"), person).await;
            assert_eq!(status, StatusCode::OK, "{mode}");
            assert!(
                page.contains("class=\"empty\"")
                    && !page.contains("Walruses")
                    && !page.contains("<select"),
                "{mode}: {page}"
            );
            let (status, body) = get(&db, &path(phase, query), person).await;
            let body: Value = serde_json::from_str(&body).unwrap();
            assert!(
                status == StatusCode::OK
                    && body["hidden"].is_string()
                    && body.get("history").is_none(),
                "{mode}: {body}"
            );
            for name in ["rank.svg", "value.svg", "rank.png", "value.png"] {
                let file = path(phase, &format!("/{name}{query}"));
                let (status, _) = get(&db, &file, person).await;
                assert_eq!(status, StatusCode::NOT_FOUND, "{mode}: {name}");
            }
        }
        let (_, seen) = get(&db, &path(phase, query), Some(&world.olga)).await;
        assert!(seen.contains("0.55778"), "{mode}: {seen}");
        let (_, seen) = get(&db, &format!("{PAGE}{query}"), Some(&world.olga)).await;
        assert!(seen.contains("0.5578"), "{mode}: {seen}");
    }
    set(&db, "visibility = 'organizers'").await;
    for path in [PAGE.to_owned(), path(phase, ""), path(phase, "/rank.svg")] {
        let (status, _) = get(&db, &path, Some(&world.member)).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_frozen_board_tells_no_version_that_came_later(db: PgPool) {
    let mut world = World::new(&db).await;
    let phase = world.challenge.phase_id;
    set(&db, "freezes_at = '2026-08-31 11:00:00Z'").await;
    let query = "?team=Walruses";
    let figure = path(phase, "/value.svg?team=Walruses");
    let before = (told(&db, phase, query).await, get(&db, &figure, None).await);
    let first = world.first.clone();
    world.hand_in(&db, &first, 1, 0.9, 0.9).await;
    world.fold(&db, 1).await;
    let seen = told(&db, phase, query).await;
    assert_eq!(steps(&seen), json!([[1, 1, 0.83517]]));
    assert_eq!(seen["frozen_at"], "2026-08-31T11:00:00Z");
    assert_eq!((seen, get(&db, &figure, None).await), before);
    let (_, page) = get(&db, &format!("{PAGE}{query}"), None).await;
    assert!(
        page.contains("stands still since 31 August 2026, 13:00 CEST") && !page.contains("0.9000"),
        "{page}"
    );
    let (_, olga) = get(&db, &path(phase, query), Some(&world.olga)).await;
    let olga: Value = serde_json::from_str(&olga).unwrap();
    assert_eq!(steps(&olga), json!([[1, 1, 0.83517], [2, 1, 0.9]]));

    sqlx::query!(
        "UPDATE registration.participations p SET state = 'disqualified', reason = 'copied'
         FROM registration.teams t WHERE t.id = p.team_id AND t.name = 'Walruses'"
    )
    .execute(&db)
    .await
    .unwrap();
    let gone = get(&db, &path(phase, query), None).await;
    assert_eq!(gone.0, StatusCode::NOT_FOUND);
    let (_, others) = get(&db, PAGE, None).await;
    assert!(!others.contains("Walruses"), "{others}");
    assert!(
        !others.contains("a team that is not on the board"),
        "{others}"
    );
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_name_with_markup_is_text_on_the_page_and_in_the_figures(db: PgPool) {
    let challenge = challenge(&db, PhaseBuilder::new("validation")).await;
    let phase = challenge.phase_id;
    team(&db, &challenge, "<script>alert(1)</script>]]>&\"'", 0.5).await;
    team(&db, &challenge, "\u{202e}مولار 🦷", 0.25).await;
    fold(&db, &challenge, 1).await;
    for name in [
        "%3Cscript%3Ealert(1)%3C/script%3E%5D%5D%3E%26%22%27",
        "%E2%80%AE%D9%85%D9%88%D9%84%D8%A7%D8%B1%20%F0%9F%A6%B7",
    ] {
        let (status, page) = get(&db, &format!("{PAGE}?team={name}"), None).await;
        assert_eq!(status, StatusCode::OK, "{page}");
        assert!(!page.contains("<script>alert") && !page.contains("style="));
        assert!(
            page.contains("<bdi>&#60;script&#62;") || page.contains("<bdi>\u{202e}مولار 🦷</bdi>")
        );
        assert_eq!(page.matches("figure figure-narrow").count(), 2);
        for figure in ["rank.svg", "value.svg"] {
            let file = path(phase, &format!("/{figure}?team={name}"));
            let (status, svg) = get(&db, &file, None).await;
            assert_eq!(status, StatusCode::OK);
            assert!(
                !svg.contains("<script>") && !svg.contains('\u{202e}'),
                "{svg}"
            );
        }
    }
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_history_is_not_sent_twice_and_its_figures_are_allowed_nothing(db: PgPool) {
    let world = World::new(&db).await;
    let phase = world.challenge.phase_id;
    let file = "sts-teeth-validation-history-rank";
    for (of, kind, disposition) in [
        ("", "application/json", String::new()),
        (
            "/rank.svg",
            "image/svg+xml",
            format!("inline; filename=\"{file}.svg\""),
        ),
        (
            "/rank.png",
            "image/png",
            format!("inline; filename=\"{file}.png\""),
        ),
    ] {
        let path = path(phase, &format!("{of}?team=Otters"));
        let answer = ask(&db, &path, None, None).await;
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (StatusCode::OK, kind)
        );
        assert_eq!(answer.header("content-disposition"), disposition);
        let tag = answer.header("etag");
        let again = ask(&db, &path, None, Some(tag)).await;
        assert_eq!(
            (again.status, again.bytes.len()),
            (StatusCode::NOT_MODIFIED, 0)
        );
        let other = ask(&db, &path.replace("Otters", "Walruses"), None, Some(tag)).await;
        assert_eq!(other.status, StatusCode::OK, "another team's");
        if !of.is_empty() {
            let policy = answer.header("content-security-policy");
            assert!(policy.starts_with("default-src 'none';"), "{policy}");
        }
    }
}
