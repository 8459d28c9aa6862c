//! Answers that are kept in memory: never another's, never of before.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::test::{TestRequest, call_service, read_body};
use chrono::TimeDelta;
use molar_service::Role;
use molar_testkit::{MockClock, as_role, noon};
use molar_web_kit::{Routes, testing};
use serde_json::json;
use sqlx::PgPool;

use super::spied::{World, rules};
use super::world::{Answer, asked, asked_at, set};
use crate::kept::Boards;

/// Every form in which a board is kept.
pub fn forms(world: &World) -> Vec<String> {
    let api = format!("/api/v1/boards/{}", world.challenge.phase_id);
    let page = "/boards/sts/teeth/validation";
    vec![
        api.clone(),
        format!("{api}?baseline=Plain"),
        format!("{api}.csv?details=true"),
        page.into(),
        format!("{page}?sort=IA&dir=asc"),
    ]
}

/// Changes that no stamp names, so that it is seen which answers are kept.
async fn tamper(db: &PgPool) {
    sqlx::query!("UPDATE leaderboard.means SET spreads = '{}'")
        .execute(db)
        .await
        .unwrap();
    sqlx::query!("UPDATE leaderboard.entries SET values = '{\"IA\": 0.12345}'")
        .execute(db)
        .await
        .unwrap();
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_board_is_rendered_once_for_those_who_are_not_signed_in_and_never_for_others(db: PgPool) {
    let world = World::new(&db).await;
    let role = as_role(&db, Role::Leaderboard).await;
    let ask = async |path: &str, person| asked(&role, Some(&world.boards), path, person, &[]).await;
    let mut first = Vec::new();
    for path in forms(&world) {
        first.push(ask(&path, None).await.body);
    }
    tamper(&db).await;
    for (path, before) in forms(&world).iter().zip(first) {
        assert_eq!(ask(path, None).await.body, before, "{path} was kept");
        for person in [&world.member, &world.olga, &world.stranger] {
            let answer = ask(path, Some(person)).await;
            assert!(
                !answer.body.contains("0.835") && answer.body != before,
                "{path} is made anew for who is signed in"
            );
        }
    }
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn who_asks_first_leaves_nothing_of_theirs_for_the_next(db: PgPool) {
    let world = World::new(&db).await;
    let role = as_role(&db, Role::Leaderboard).await;
    for mode in [
        json!({}),
        json!({"names": "anonymous"}),
        json!({"is_hidden": true}),
    ] {
        set(&db, &rules(mode.clone())).await;
        for path in forms(&world) {
            let kept = async |person| asked(&role, Some(&world.boards), &path, person, &[]).await;
            let anew = async |person| asked(&role, None, &path, person, &[]).await;
            for person in [
                Some(&world.olga),
                Some(&world.member),
                None,
                Some(&world.stranger),
            ] {
                let (told, expected) = (kept(person).await, anew(person).await);
                assert_eq!(told.body, expected.body, "{mode}: {path}");
                assert_eq!(told.headers, expected.headers, "{mode}: {path}");
                let is_page = path.starts_with("/boards");
                let control = match (person.is_some(), is_page) {
                    (true, true) => "no-store",
                    (true, false) => "private, no-cache",
                    (false, _) => "no-cache",
                };
                assert_eq!(told.header("cache-control"), Some(control), "{path}");
            }
        }
    }
}

/// That an answer takes longer would tell that something has changed behind it.
#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn boards_that_hide_something_are_not_kept(db: PgPool) {
    let world = World::new(&db).await;
    let role = as_role(&db, Role::Leaderboard).await;
    let path = &forms(&world)[0];
    for mode in [
        json!({"names": "anonymous"}),
        json!({"values": "rounded", "decimals": 1}),
    ] {
        set(&db, &rules(mode)).await;
        let ask = async || {
            asked(&role, Some(&world.boards), path, None, &[])
                .await
                .body
        };
        let before = ask().await;
        sqlx::query!("UPDATE leaderboard.entries SET values = '{\"IA\": 0.1}'")
            .execute(&db)
            .await
            .unwrap();
        assert_ne!(ask().await, before);
        sqlx::query!("UPDATE leaderboard.entries SET values = '{\"IA\": 0.8}'")
            .execute(&db)
            .await
            .unwrap();
    }
    // A frozen one is, and what comes behind it makes nobody wait.
    set(&db, "board = '{}', freezes_at = '2026-08-30 12:30:00Z'").await;
    let ask = async || {
        asked(&role, Some(&world.boards), path, None, &[])
            .await
            .body
    };
    let before = ask().await;
    tamper(&db).await;
    sqlx::query!(
        "INSERT INTO leaderboard.rankings (id, phase_id, version, inputs_hash, left_out, created_at, machines)
         VALUES (gen_random_uuid(), $1, 2, '', '{}', '2026-09-01', '{}')",
        world.challenge.phase_id.0
    )
    .execute(&db)
    .await
    .unwrap();
    assert_eq!(ask().await, before);
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn who_has_a_board_already_is_told_so_until_it_changes(db: PgPool) {
    let mut world = World::new(&db).await;
    let role = as_role(&db, Role::Leaderboard).await;
    let boards = world.boards.clone();
    for person in [None, Some(world.member.clone())] {
        for path in forms(&world) {
            let is_page = path.starts_with("/boards");
            if person.is_some() && is_page {
                continue;
            }
            let ask = async |headers: &[(&str, &str)]| {
                asked(&role, Some(&boards), &path, person.as_ref(), headers).await
            };
            let tag_of = |answer: &Answer| answer.header("etag").unwrap().to_owned();
            let full = ask(&[]).await;
            let tag = tag_of(&full);
            let same = ask(&[("if-none-match", &tag)]).await;
            assert_eq!(
                (same.status, same.body.as_str()),
                (StatusCode::NOT_MODIFIED, ""),
                "{path}"
            );
            assert_eq!(same.header("etag"), Some(tag.as_str()));
            assert_eq!(same.header("cache-control"), full.header("cache-control"));
            // Through a front that packs it.
            let weak = format!("\"other\", W/{tag}");
            assert_eq!(
                ask(&[("if-none-match", &weak)]).await.status,
                StatusCode::NOT_MODIFIED
            );
            if person.is_none() {
                let packed = ask(&[("accept-encoding", "gzip")]).await;
                assert_eq!(packed.header("content-encoding"), Some("gzip"), "{path}");
                assert_ne!(tag_of(&packed), tag, "other bytes");
                assert!(packed.header("vary").unwrap().contains("accept-encoding"));
            }
        }
    }
    let path = forms(&world)[0].clone();
    let before = asked(&role, Some(&boards), &path, None, &[]).await;
    let tag = before.header("etag").unwrap().to_owned();
    let first = world.first.clone();
    world.hand_in(&db, &first, 1, 0.9, 0.9).await;
    world.fold(&db, 0).await;
    let after = asked(
        &role,
        Some(&boards),
        &path,
        None,
        &[("if-none-match", &tag)],
    )
    .await;
    assert_eq!(after.status, StatusCode::OK);
    assert!(after.body.contains("0.9"), "{}", after.body);
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn what_is_wrong_is_told_each_time_and_kept_never(db: PgPool) {
    let world = World::new(&db).await;
    let role = as_role(&db, Role::Leaderboard).await;
    let api = format!("/api/v1/boards/{}", world.challenge.phase_id);
    let page = "/boards/sts/teeth/validation";
    for (path, status) in [
        (format!("{api}?baseline=Fancy"), StatusCode::NOT_FOUND),
        (format!("{page}?baseline=Fancy"), StatusCode::NOT_FOUND),
        (format!("{api}?no=such"), StatusCode::BAD_REQUEST),
        (
            "/boards/sts/teeth/nowhere".to_owned(),
            StatusCode::NOT_FOUND,
        ),
        (
            format!("/api/v1/boards/{}", uuid::Uuid::nil()),
            StatusCode::NOT_FOUND,
        ),
    ] {
        for _ in 0..2 {
            let answer = asked(&role, Some(&world.boards), &path, None, &[]).await;
            assert_eq!(answer.status, status, "{path}: {}", answer.body);
            assert_eq!(answer.header("etag"), None, "{path}");
        }
    }
    sqlx::query!("INSERT INTO tracks.baselines (phase_id, name, position, values) VALUES ($1, 'Fancy', 2, $2)",
        world.challenge.phase_id.0, json!({"IA": 0.25}))
        .execute(&db)
        .await
        .unwrap();
    let path = format!("{page}?baseline=Fancy");
    let answer = asked(&role, Some(&world.boards), &path, None, &[]).await;
    assert_eq!(answer.status, StatusCode::OK);
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn time_alone_moves_a_kept_board(db: PgPool) {
    let mut world = World::new(&db).await;
    let first = world.first.clone();
    world.hand_in(&db, &first, 1, 0.9, 0.9).await;
    world.fold(&db, 0).await;
    set(
        &db,
        "freezes_at = '2026-09-01 13:00:00Z', closes_at = '2026-09-01 14:00:00Z'",
    )
    .await;
    let role = as_role(&db, Role::Leaderboard).await;
    let mut before = String::new();
    // As it is, frozen, ended.
    for hours in [0, 1, 2] {
        let now = noon() + TimeDelta::hours(hours);
        let mut told = Vec::new();
        for path in forms(&world) {
            let kept = asked_at(&role, Some(&world.boards), now, &path, None, &[]).await;
            let anew = asked_at(&role, None, now, &path, None, &[]).await;
            assert_eq!(kept.body, anew.body, "after {hours} h: {path}");
            told.push(kept.body);
        }
        assert_ne!(told[0], before, "after {hours} h it is another");
        before = told.swap_remove(0);
    }
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_day_later_a_kept_board_is_compared_with_another(db: PgPool) {
    let mut world = World::new(&db).await;
    let role = as_role(&db, Role::Leaderboard).await;
    let tied = world.tied.clone();
    world.hand_in(&db, &tied, 1, 0.95, 0.95).await;
    world.fold(&db, 0).await;
    let path = &forms(&world)[0];
    let at = async |hours| {
        let now = noon() + TimeDelta::hours(hours);
        let kept = asked_at(&role, Some(&world.boards), now, path, None, &[]).await;
        let anew = asked_at(&role, None, now, path, None, &[]).await;
        assert_eq!(kept.body, anew.body, "after {hours} h");
        kept.body
    };
    assert!(at(1).await.contains("\"up\""));
    assert!(!at(25).await.contains("\"up\""));
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_look_counts_for_a_moment_but_not_for_who_asks_for_what_is_so_now(db: PgPool) {
    let world = World::new(&db).await;
    let role = as_role(&db, Role::Leaderboard).await;
    let boards = Boards::looked_at_every(Duration::from_secs(3600));
    let ask =
        async |path: &str, headers: &[_]| asked(&role, Some(&boards), path, None, headers).await;
    for path in forms(&world) {
        set(&db, &rules(json!({}))).await;
        let now = [("cache-control", "no-cache")];
        let open = ask(&path, &now).await.body;
        set(&db, &rules(json!({"is_hidden": true}))).await;
        assert_eq!(ask(&path, &[]).await.body, open, "{path}");
        let hidden = ask(&path, &now).await.body;
        assert!(hidden != open && !hidden.contains("Walruses"), "{path}");
        assert_eq!(
            ask(&path, &[]).await.body,
            hidden,
            "{path}: who looked looked for all"
        );
    }
}

/// By an application that has no route to a board.
#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn the_same_request_is_answered_again_without_its_route_for_whoever_is_not_signed_in(
    db: PgPool,
) {
    let world = World::new(&db).await;
    let role = as_role(&db, Role::Leaderboard).await;
    let boards = Boards::looked_at_every(Duration::from_secs(3600));
    let kit = testing::kit(Role::Leaderboard, role.clone(), MockClock::at(noon()));
    let empty = Routes::new(Role::Leaderboard);
    let app = testing::app(kit, empty, |service| boards.configure(service)).await;
    for path in forms(&world) {
        let request = || TestRequest::get().uri(&path);
        assert_eq!(
            call_service(&app, request().to_request()).await.status(),
            404
        );
        let first = asked(&role, Some(&boards), &path, None, &[]).await.body;
        let again = call_service(&app, request().to_request()).await;
        assert_eq!(again.status(), 200, "{path}");
        assert_eq!(read_body(again).await, first, "{path}");
        let personal = request().insert_header(world.member.bearer());
        let personal = call_service(&app, personal.to_request()).await;
        assert_eq!(personal.status(), 404, "{path}");
    }
    // What hides something is given to nobody again.
    set(&db, &rules(json!({"is_hidden": true}))).await;
    for path in forms(&world) {
        asked(
            &role,
            Some(&boards),
            &path,
            None,
            &[("cache-control", "no-cache")],
        )
        .await;
        let again = TestRequest::get().uri(&path).to_request();
        assert_eq!(call_service(&app, again).await.status(), 404, "{path}");
    }
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn new_statistics_come_onto_a_board_that_is_kept(db: PgPool) {
    let mut world = World::new(&db).await;
    let role = as_role(&db, Role::Leaderboard).await;
    let first = world.first.clone();
    world.hand_in(&db, &first, 1, 0.9, 0.9).await;
    assert!(world.fold(&db, 0).await);
    let board = format!("/api/v1/boards/{}", world.challenge.phase_id);
    let of = async |path: &str, at: &str| {
        let answer = asked(&role, Some(&world.boards), path, None, &[]).await;
        let told: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
        told.pointer(at).cloned()
    };
    let statistics = format!("{board}/statistics");
    let paths = [
        (&*board, "/intervals/version"),
        (&statistics, "/statistics/version"),
    ];
    for (path, at) in paths {
        assert_eq!(of(path, at).await, Some(json!(1)), "{path}");
    }
    world.draw(&db, noon() + TimeDelta::minutes(2)).await;
    for (path, at) in paths {
        assert_eq!(of(path, at).await, Some(json!(2)), "{path}");
    }
}
