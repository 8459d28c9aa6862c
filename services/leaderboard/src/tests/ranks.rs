//! Who stands where, and by which entry.

use actix_web::http::StatusCode;
use chrono::TimeDelta;
use molar_domain::attempt::AttemptState;
use molar_domain::phase::SubmissionKind;
use molar_domain::worker_api::Device;
use molar_testkit::{
    AttemptBuilder, ChallengeBuilder, EvaluationBuilder, PhaseBuilder, SubmissionBuilder,
    TeamBuilder, noon,
};
use serde_json::{Value, json};
use sqlx::PgPool;

use super::world::{board, challenge, entry, fold, get, ranked};

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn the_same_inputs_make_no_new_version(db: PgPool) {
    let challenge = challenge(&db, PhaseBuilder::new("validation")).await;
    assert!(
        !fold(&db, challenge.phase_id).await,
        "an empty board has no version"
    );
    let team = TeamBuilder::new(&challenge, "Ones").insert(&db).await;
    entry(&db, &challenge, &team, 1, 0.5).await;
    assert!(fold(&db, challenge.phase_id).await);
    assert!(!fold(&db, challenge.phase_id).await);
    entry(&db, &challenge, &team, 2, 0.6).await;
    assert!(fold(&db, challenge.phase_id).await);
    assert_eq!(board(&db, challenge.phase_id, None).await["version"], 2);
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn equals_share_the_better_rank_and_out_of_competition_is_shown_unranked(db: PgPool) {
    let challenge = challenge(&db, PhaseBuilder::new("validation")).await;
    for (name, ia) in [("Bees", 0.5), ("Ants", 0.5), ("Cats", 0.4)] {
        let team = TeamBuilder::new(&challenge, name).insert(&db).await;
        entry(&db, &challenge, &team, 1, ia).await;
    }
    let guests = TeamBuilder::new(&challenge, "Guests")
        .out_of_competition("organizers' group")
        .insert(&db)
        .await;
    entry(&db, &challenge, &guests, 1, 0.9).await;
    let gone = TeamBuilder::new(&challenge, "Gone")
        .state("disqualified")
        .insert(&db)
        .await;
    entry(&db, &challenge, &gone, 1, 0.9).await;
    fold(&db, challenge.phase_id).await;

    let board = board(&db, challenge.phase_id, None).await;
    assert_eq!(
        ranked(&board),
        [
            (Some(1), "Ants"),
            (Some(1), "Bees"),
            (Some(3), "Cats"),
            (None, "Guests")
        ]
    );
    assert_eq!(board["rows"][3]["out_reason"], "organizers' group");
    assert_eq!(board["rows"][0]["values"]["IA"], 0.5);
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn the_csv_has_each_metric_beside_its_rank(db: PgPool) {
    let challenge = challenge(&db, PhaseBuilder::new("validation")).await;
    for (name, ia) in [("Ants", 0.25), ("=Bees", 0.1234567890123)] {
        let team = TeamBuilder::new(&challenge, name).insert(&db).await;
        entry(&db, &challenge, &team, 1, ia).await;
    }
    fold(&db, challenge.phase_id).await;
    let (_, csv) = get(
        &db,
        &format!("/api/v1/boards/{}.csv", challenge.phase_id),
        None,
    )
    .await;
    insta::assert_snapshot!(csv, @r"
    team,IA,IA_rank,mean_rank,final_rank
    Ants,0.25,1,1,1
    '=Bees,0.1234567890123,2,2,2
    ");
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn an_unknown_board_is_a_problem_document(db: PgPool) {
    let (status, body) = get(
        &db,
        "/api/v1/boards/00000000-0000-7000-8000-000000000000",
        None,
    )
    .await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert!(body.contains("no such board"), "{body}");
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_timed_board_tells_its_machines_and_what_they_cannot_measure(db: PgPool) {
    let metrics = ["IA", "running_time_s", "gpu_memory_area_mib_s"];
    let phase = PhaseBuilder::new("final")
        .kind(SubmissionKind::Container)
        .metrics(&metrics);
    let challenge = ChallengeBuilder::new("sts").phase(phase).insert(&db).await;
    let team = TeamBuilder::new(&challenge, "Ants").insert(&db).await;
    let submission = SubmissionBuilder::new(&challenge, &team)
        .container()
        .insert(&db)
        .await;
    let attempt = AttemptBuilder::new(&challenge, &submission)
        .state(AttemptState::Finished)
        .insert(&db)
        .await;
    let device = Device {
        cpu: "Fast One".to_owned(),
        cores: 2,
        ..Device::default()
    };
    sqlx::query!(
        "UPDATE execution.case_runs SET device = $1 WHERE kind = 'case'",
        json!(device)
    )
    .execute(&db)
    .await
    .unwrap();
    let values = json!({"IA": 0.5, "running_time_s": 1.5});
    EvaluationBuilder::new(&challenge, &submission, values)
        .attempt(&attempt)
        .insert(&db)
        .await;
    fold(&db, challenge.phase_id).await;
    let seen = board(&db, challenge.phase_id, None).await;
    assert_eq!(seen["machines"], json!(["Fast One, 2 cores"]));
    assert_eq!(seen["left_out"], json!(["gpu_memory_area_mib_s"]));
    let (_, page) = get(&db, "/boards/sts/teeth/final", None).await;
    assert!(page.contains("</code>: Fast One, 2 cores."), "{page}");
    assert!(page.contains("Not measured on these machines"), "{page}");
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn the_page_escapes_names_and_sorts_by_links(db: PgPool) {
    let challenge = challenge(&db, PhaseBuilder::new("validation")).await;
    for (name, ia) in [("<b>Bold</b>", 0.9), ("Ants", 0.1)] {
        let team = TeamBuilder::new(&challenge, name).insert(&db).await;
        entry(&db, &challenge, &team, 1, ia).await;
    }
    fold(&db, challenge.phase_id).await;
    let index = get(&db, "/boards", None).await.1;
    let path = index
        .split("href=\"")
        .find_map(|rest| rest.strip_prefix("/boards/"))
        .unwrap()
        .split('"')
        .next()
        .unwrap()
        .to_owned();
    let (status, page) = get(&db, &format!("/boards/{path}?sort=IA&dir=asc"), None).await;
    assert_eq!(status, StatusCode::OK);
    assert!(!page.contains("<b>Bold"));
    let (ants, bold) = (page.find("Ants").unwrap(), page.find("Bold").unwrap());
    assert!(ants < bold, "ascending by IA");
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_phase_is_closed_when_its_last_work_has_ended(db: PgPool) {
    let past = PhaseBuilder::new("validation")
        .window(noon() - TimeDelta::days(2), noon() - TimeDelta::days(1));
    let challenge = challenge(&db, past).await;
    let team = TeamBuilder::new(&challenge, "Ones").insert(&db).await;
    entry(&db, &challenge, &team, -2000, 0.5).await;
    let late = SubmissionBuilder::new(&challenge, &team).insert(&db).await;
    // A trial has no scores to wait for.
    SubmissionBuilder::new(&challenge, &team)
        .trial()
        .insert(&db)
        .await;
    fold(&db, challenge.phase_id).await;
    let seen = async || {
        let board = board(&db, challenge.phase_id, None).await;
        let (_, list) = get(&db, "/api/v1/boards", None).await;
        let list: Value = serde_json::from_str(&list).unwrap();
        json!([board["state"], board["is_preliminary"], list[0]["state"]])
    };
    assert_eq!(seen().await, json!(["closing", true, "closing"]));
    EvaluationBuilder::new(&challenge, &late, json!({"IA": 0.5}))
        .insert(&db)
        .await;
    assert_eq!(seen().await, json!(["closed", false, "closed"]));
}
