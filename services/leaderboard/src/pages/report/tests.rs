//! The report as its readers get it.

use actix_web::http::StatusCode;
use chrono::TimeDelta;
use molar_service::Role;
use molar_testkit::{
    ChallengeBuilder, EvaluationBuilder, MockClock, PhaseBuilder, SubmissionBuilder, TeamBuilder,
    as_role, noon,
};
use molar_web_kit::testing;
use serde_json::json;
use sqlx::PgPool;

use crate::patience::Patience;
use crate::tests::world::{challenge, entry, fold, get, set};
use crate::{figures, statistics};

const PAGE: &str = "/boards/sts/teeth/validation/report";

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn it_tells_what_the_tables_hold_and_says_what_they_do_not(db: PgPool) {
    let challenge = challenge(&db, PhaseBuilder::new("validation")).await;
    for (name, ia) in [("<b>Ants</b>", 0.5), ("Bees", 0.75)] {
        let team = TeamBuilder::new(&challenge, name).insert(&db).await;
        entry(&db, &challenge, &team, 1, ia).await;
    }
    fold(&db, challenge.phase_id).await;
    let (status, page) = get(&db, PAGE, None).await;
    assert_eq!(status, StatusCode::OK);
    for told in [
        "A challenge of a test.",
        "data-use terms were signed: version 1 by 2 people",
        "scored here",
        "&#60;b&#62;Ants",
        "0.7500",
        "The platform was not told.",
        "data-print",
    ] {
        assert!(page.contains(told), "{told}: {page}");
    }
    assert!(
        !page.contains("<b>Ants") && !page.contains("/archive"),
        "{page}"
    );
    assert!(page.contains("Ranks may move until"));

    set(
        &db,
        "closes_at = '2026-09-01 11:00:00Z', published_at = '2026-09-01 11:30:00Z'",
    )
    .await;
    let (_, page) = get(&db, PAGE, None).await;
    let archive = format!("/api/v1/boards/{}/archive", challenge.phase_id);
    assert!(
        page.contains(&format!("{archive}\">Archive with all scores</a>"))
            && !page.contains("Ranks may move"),
        "{page}"
    );
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_board_that_hides_something_has_none_but_for_its_organizers(db: PgPool) {
    let challenge = challenge(&db, PhaseBuilder::new("validation")).await;
    let team = TeamBuilder::new(&challenge, "Ants").insert(&db).await;
    entry(&db, &challenge, &team, 1, 0.5).await;
    fold(&db, challenge.phase_id).await;
    let olga = testing::organizer(&db, "Olga", challenge.id).await;
    let anonymous = json!({"names": "anonymous"});
    let rounded = json!({"values": "rounded", "decimals": 1});
    let (order, ladder) = (json!({"values": "order"}), json!({"ladder_step": 0.05}));
    for mode in [
        format!("board = '{anonymous}'"),
        format!("board = '{rounded}'"),
        format!("board = '{order}'"),
        format!("board = '{ladder}'"),
        "board = '{}', is_final = true".to_owned(),
    ] {
        set(&db, &mode).await;
        let (status, page) = get(&db, PAGE, None).await;
        assert_eq!(status, StatusCode::OK);
        assert!(
            !page.contains("Ants") && !page.contains("Assessment"),
            "{mode}: {page}"
        );
        let (_, page) = get(&db, PAGE, Some(&olga)).await;
        assert!(
            page.contains("Ants") && page.contains("Assessment"),
            "{mode}"
        );
    }
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_board_without_anybody_has_a_report_that_says_so(db: PgPool) {
    challenge(&db, PhaseBuilder::new("validation")).await;
    let (status, page) = get(&db, PAGE, None).await;
    assert_eq!(status, StatusCode::OK);
    assert!(page.contains("Nobody is on this board yet."), "{page}");
    assert_eq!(
        get(&db, "/boards/sts/teeth/none/report", None).await.0,
        StatusCode::NOT_FOUND
    );
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn the_archive_of_a_final_that_measures_runs_is_linked_for_everybody_and_is_there(
    db: PgPool,
) {
    let phase = PhaseBuilder::new("final").metrics(&["IA", "running_time_s"]);
    let challenge = ChallengeBuilder::new("sts").phase(phase.is_final());
    let challenge = challenge.insert(&db).await;
    let olga = testing::organizer(&db, "Olga", challenge.id).await;
    for (name, seconds) in [("Ants", 7.25), ("Bees", 9.5)] {
        let team = TeamBuilder::new(&challenge, name).insert(&db).await;
        let submission = SubmissionBuilder::new(&challenge, &team);
        let submission = submission.created_at(noon() - TimeDelta::days(2));
        let submission = submission.insert(&db).await;
        let values = json!({"IA": 0.5, "running_time_s": seconds});
        let evaluation = EvaluationBuilder::new(&challenge, &submission, values);
        evaluation.insert(&db).await;
    }
    set(
        &db,
        "closes_at = '2026-09-01 11:00:00Z', published_at = '2026-09-01 11:30:00Z'",
    )
    .await;
    fold(&db, challenge.phase_id).await;
    let role = as_role(&db, Role::Leaderboard).await;
    let patience = Patience::default();
    statistics::all(&role, &MockClock::at(noon()), 100, &patience)
        .await
        .unwrap();
    figures::all(&role, noon(), &patience).await.unwrap();

    let archive = format!("/api/v1/boards/{}/archive", challenge.phase_id);
    for (person, holds) in [
        (None, "without what runs used in each case"),
        (
            Some(&olga),
            "with all scores, for organizers and reviewers only",
        ),
    ] {
        let (_, page) = get(&db, "/boards/sts/teeth/final/report", person).await;
        let link = format!("{archive}\">Archive {holds}</a>");
        assert!(page.contains(&link), "{link}: {page}");
        let (status, told) = get(&db, &archive, person).await;
        assert_eq!(status, StatusCode::OK, "{told}");
    }
}
