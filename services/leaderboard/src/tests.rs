//! Rows and endpoints of the role together: from evaluations to what callers see.

use actix_web::http::StatusCode;
use actix_web::test::{TestRequest, call_service, read_body};
use chrono::TimeDelta;
use molar_domain::PhaseId;
use molar_domain::attempt::AttemptState;
use molar_domain::phase::SubmissionKind;
use molar_domain::worker_api::Device;
use molar_service::Role;
use molar_testkit::{
    AttemptBuilder, Challenge, ChallengeBuilder, EvaluationBuilder, MockClock, PhaseBuilder,
    SubmissionBuilder, Team, TeamBuilder, as_role, noon,
};
use molar_web_kit::testing;
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::{fold, routes};

async fn entry(db: &PgPool, challenge: &Challenge, team: &Team, minutes: i64, ia: f64) {
    let at = noon() + TimeDelta::minutes(minutes);
    let submission = SubmissionBuilder::new(challenge, team)
        .created_at(at)
        .insert(db)
        .await;
    EvaluationBuilder::new(challenge, &submission, json!({"IA": ia}))
        .at(at)
        .insert(db)
        .await;
}

async fn challenge(db: &PgPool, phase: PhaseBuilder) -> Challenge {
    ChallengeBuilder::new("sts")
        .phase(phase.metrics(&["IA"]))
        .insert(db)
        .await
}

async fn fold(db: &PgPool, phase: PhaseId) -> bool {
    fold::one(&as_role(db, Role::Leaderboard).await, phase, noon())
        .await
        .unwrap()
}

async fn get(db: &PgPool, path: &str, person: Option<&testing::Person>) -> (StatusCode, String) {
    let role = as_role(db, Role::Leaderboard).await;
    let app = testing::app(
        testing::kit(Role::Leaderboard, role, MockClock::at(noon())),
        routes(),
        |_| {},
    )
    .await;
    let mut request = TestRequest::get().uri(path);
    if let Some(person) = person {
        request = request.insert_header(person.bearer());
    }
    let response = call_service(&app, request.to_request()).await;
    let status = response.status();
    (
        status,
        String::from_utf8(read_body(response).await.to_vec()).unwrap(),
    )
}

async fn board(db: &PgPool, phase: PhaseId, person: Option<&testing::Person>) -> Value {
    let (status, body) = get(db, &format!("/api/v1/boards/{phase}"), person).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    serde_json::from_str(&body).unwrap()
}

fn ranked(board: &Value) -> Vec<(Option<i64>, &str)> {
    let rows = board["rows"].as_array().unwrap();
    rows.iter()
        .map(|row| (row["rank"].as_i64(), row["team"].as_str().unwrap()))
        .collect()
}

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

/// Of two disqualified teams only the one of which it was made public.
#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_disqualification_is_shown_where_the_organizers_made_it_public(db: PgPool) {
    let validation = PhaseBuilder::new("validation");
    let challenge = challenge(&db, validation).await;
    for name in ["Quiet", "Loud", "Idle"] {
        let team = TeamBuilder::new(&challenge, name)
            .state("disqualified")
            .insert(&db)
            .await;
        if name != "Idle" {
            entry(&db, &challenge, &team, 1, 0.9).await;
        }
    }
    fold(&db, challenge.phase_id).await;
    sqlx::query!(
        "UPDATE registration.participations p SET is_reason_public = true, reason = 'trained on the test set'
         FROM registration.teams t WHERE t.id = p.team_id AND t.name <> 'Quiet'"
    )
    .execute(&db)
    .await
    .unwrap();

    let seen = board(&db, challenge.phase_id, None).await;
    assert_eq!(
        seen["disqualified"],
        json!([{"team": "Loud", "reason": "trained on the test set"}])
    );
    let (_, page) = get(&db, "/boards/sts/teeth/validation", None).await;
    assert!(page.contains("trained on the test set"), "{page}");
    assert!(!page.contains("Quiet") && !page.contains("Idle"), "{page}");

    sqlx::query!("UPDATE tracks.phases SET is_final = true")
        .execute(&db)
        .await
        .unwrap();
    let hidden = board(&db, challenge.phase_id, None).await;
    assert_eq!(hidden["disqualified"], json!([]));
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn an_unpublished_final_board_tells_nothing_but_to_its_organizers(db: PgPool) {
    let challenge = challenge(&db, PhaseBuilder::new("final").is_final()).await;
    let team = TeamBuilder::new(&challenge, "Ones").insert(&db).await;
    entry(&db, &challenge, &team, 1, 0.5).await;
    fold(&db, challenge.phase_id).await;
    let stranger = testing::person(&db, "Stranger").await;
    let organizer = testing::organizer(&db, "Organizer", challenge.id).await;

    for caller in [None, Some(&stranger)] {
        let board = board(&db, challenge.phase_id, caller).await;
        assert_eq!(board["rows"], json!([]));
        assert!(
            board.get("version").is_none() && board.get("made_at").is_none(),
            "{board}"
        );
        assert!(board["hidden"].is_string());
        let (_, csv) = get(
            &db,
            &format!("/api/v1/boards/{}.csv", challenge.phase_id),
            caller,
        )
        .await;
        assert_eq!(csv.lines().count(), 1, "{csv}");
        assert!(!csv.contains("Ones"));
    }
    assert_eq!(
        ranked(&board(&db, challenge.phase_id, Some(&organizer)).await),
        [(Some(1), "Ones")]
    );
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_board_can_be_read_as_it_was(db: PgPool) {
    let challenge = challenge(&db, PhaseBuilder::new("validation")).await;
    let team = TeamBuilder::new(&challenge, "Ones").insert(&db).await;
    entry(&db, &challenge, &team, 1, 0.5).await;
    let role = as_role(&db, Role::Leaderboard).await;
    fold::one(&role, challenge.phase_id, noon()).await.unwrap();
    entry(&db, &challenge, &team, 2, 0.8).await;
    fold::one(&role, challenge.phase_id, noon() + TimeDelta::hours(1))
        .await
        .unwrap();

    let path = format!(
        "/api/v1/boards/{}?at=2026-09-01T12:30:00Z",
        challenge.phase_id
    );
    let (_, body) = get(&db, &path, None).await;
    let then: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(then["rows"][0]["values"]["IA"], 0.5);
    assert_eq!(
        board(&db, challenge.phase_id, None).await["rows"][0]["values"]["IA"],
        0.8
    );
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

/// A re-scoring that is ready, with an evaluation of each submission beside the one that counts.
async fn rescored(
    db: &PgPool,
    challenge: &Challenge,
    values: &[(molar_domain::SubmissionId, f64)],
) -> uuid::Uuid {
    let id = uuid::Uuid::new_v4();
    let olga = testing::person(db, "Rescorer").await;
    let all = json!({"metrics": ["IA"], "wall_s": 300});
    sqlx::query!(
        "INSERT INTO scoring.rescorings
             (id, phase_id, state, scope, reason, scorer_version, reference_set_id, parameters_hash, parameters,
              from_scorer_version, from_reference_set_id, from_parameters_hash, created_by, created_at, started_at, ready_at)
         SELECT $1, $2, 'ready', 'touched', 'wrong', 'v', id, 'new', $3, 'v', id, 'old', $4, created_at, created_at, created_at
         FROM tracks.reference_sets",
        id,
        challenge.phase_id.0,
        all,
        olga.id.0,
    )
    .execute(db)
    .await
    .unwrap();
    sqlx::query!(
        "INSERT INTO scoring.frames (phase_id, scorer_version, reference_set_id, parameters_hash, parameters)
         SELECT $1, e.scorer_version, e.reference_set_id, e.parameters_hash, $2 FROM scoring.evaluations e LIMIT 1",
        challenge.phase_id.0,
        all,
    )
    .execute(db)
    .await
    .unwrap();
    for (submission, ia) in values {
        let evaluation = uuid::Uuid::now_v7();
        sqlx::query!(
            "INSERT INTO scoring.evaluations
                 (id, submission_id, phase_id, team_id, scorer_version, reference_set_id, parameters_hash, state,
                  created_at, finished_at, rescoring_id)
             SELECT $1, submission_id, phase_id, team_id, 'v', reference_set_id, 'new', 'finished', created_at, created_at, $3
             FROM scoring.evaluations WHERE submission_id = $2",
            evaluation,
            submission.0,
            id,
        )
        .execute(db)
        .await
        .unwrap();
        // Only the first case was touched.
        sqlx::query!(
            "INSERT INTO scoring.case_scores (evaluation_id, case_id, state, values, scored_at, not_before)
             SELECT $1, c.case_id, 'scored',
                    CASE WHEN c.case_id = $3 THEN jsonb_build_object('IA', $4::float8) ELSE c.values END, c.scored_at, c.not_before
             FROM scoring.case_scores c JOIN scoring.evaluations e ON e.id = c.evaluation_id
             WHERE e.submission_id = $2 AND e.rescoring_id IS NULL",
            evaluation,
            submission.0,
            challenge.cases[0].id.0,
            ia,
        )
        .execute(db)
        .await
        .unwrap();
    }
    id
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_preview_says_who_moves_and_why_and_the_board_stays_until_it_is_published(db: PgPool) {
    let challenge = challenge(&db, PhaseBuilder::new("validation")).await;
    let mut submissions = Vec::new();
    for (name, ia) in [("Ants", 0.9), ("Bees", 0.8), ("Cats", 0.1)] {
        let team = TeamBuilder::new(&challenge, name).insert(&db).await;
        let submission = SubmissionBuilder::new(&challenge, &team).insert(&db).await;
        EvaluationBuilder::new(&challenge, &submission, json!({"IA": ia}))
            .insert(&db)
            .await;
        submissions.push(submission.id);
    }
    let after = [
        (submissions[0], 0.5),
        (submissions[1], 0.8),
        (submissions[2], 0.1),
    ];
    let id = rescored(&db, &challenge, &after).await;
    assert!(fold(&db, challenge.phase_id).await);
    assert!(!fold(&db, challenge.phase_id).await);
    let before = [(Some(1), "Ants"), (Some(2), "Bees"), (Some(3), "Cats")];
    assert_eq!(ranked(&board(&db, challenge.phase_id, None).await), before);

    let olga = testing::organizer(&db, "Olga", challenge.id).await;
    let stranger = testing::person(&db, "Stranger").await;
    let path = format!("/api/v1/rescorings/{id}/moves");
    let (status, _) = get(&db, &path, Some(&stranger)).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    let (status, body) = get(&db, &path, Some(&olga)).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    let moves: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(
        (&moves["moved"], &moves["is_complete"]),
        (&json!(2), &json!(true))
    );
    let teams = moves["teams"].as_array().unwrap();
    let ranks: Vec<_> = teams
        .iter()
        .map(|one| {
            (
                one["team"].as_str().unwrap(),
                &one["rank_before"],
                &one["rank_after"],
            )
        })
        .collect();
    let (one, two, three) = (&json!(1), &json!(2), &json!(3));
    assert_eq!(
        ranks,
        [
            ("Bees", two, one),
            ("Ants", one, two),
            ("Cats", three, three)
        ]
    );
    assert_eq!(
        teams[1]["cases"],
        json!([{"case": "Case_01", "values": {"IA": {"before": 0.9, "after": 0.5}}}])
    );
    assert_eq!(teams[0]["cases"], json!([]));
    let page = format!("/organize/rescorings/{id}/moves");
    let (status, html) = get(&db, &page, Some(&olga)).await;
    assert!(
        status == StatusCode::OK && html.contains("2 → 1") && html.contains("Case_01"),
        "{html}"
    );

    sqlx::query!(
        "UPDATE scoring.rescorings SET state = 'published', decided_at = created_at, decided_by = created_by"
    )
    .execute(&db)
    .await
    .unwrap();
    sqlx::query!(
        "UPDATE scoring.frames SET scorer_version = 'v', parameters_hash = 'new', rescoring_id = $1",
        id
    )
    .execute(&db)
    .await
    .unwrap();
    assert!(fold(&db, challenge.phase_id).await);
    let board = board(&db, challenge.phase_id, None).await;
    assert_eq!(
        ranked(&board),
        [(Some(1), "Bees"), (Some(2), "Ants"), (Some(3), "Cats")]
    );
    assert_eq!(board["version"], 2);
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_board_is_ranked_by_the_metrics_in_force_and_never_by_two_measures(db: PgPool) {
    let challenge = challenge(&db, PhaseBuilder::new("validation")).await;
    let mut submissions = Vec::new();
    for (name, ia) in [("Ants", 0.9), ("Bees", 0.8)] {
        let team = TeamBuilder::new(&challenge, name).insert(&db).await;
        let submission = SubmissionBuilder::new(&challenge, &team).insert(&db).await;
        EvaluationBuilder::new(&challenge, &submission, json!({"IA": ia}))
            .insert(&db)
            .await;
        submissions.push(submission.id);
    }
    rescored(&db, &challenge, &[]).await;
    fold(&db, challenge.phase_id).await;
    sqlx::query!("UPDATE tracks.phases SET metrics = '{image_DSC}'")
        .execute(&db)
        .await
        .unwrap();
    assert!(!fold(&db, challenge.phase_id).await);
    let seen = board(&db, challenge.phase_id, None).await;
    assert_eq!(seen["metrics"][0]["name"], "IA");
    // Of another scorer than the one in force: not on the board.
    sqlx::query!(
        "UPDATE scoring.evaluations SET scorer_version = 'newer' WHERE submission_id = $1",
        submissions[0].0
    )
    .execute(&db)
    .await
    .unwrap();
    fold(&db, challenge.phase_id).await;
    assert_eq!(
        ranked(&board(&db, challenge.phase_id, None).await),
        [(Some(1), "Bees")]
    );
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn the_means_of_an_evaluation_are_made_once_and_again_for_a_metric_that_came_later(
    db: PgPool,
) {
    let challenge = challenge(&db, PhaseBuilder::new("validation")).await;
    let first = TeamBuilder::new(&challenge, "Ants").insert(&db).await;
    let submission = SubmissionBuilder::new(&challenge, &first).insert(&db).await;
    let values = json!({"IA": 0.5, "image_DSC": 0.25});
    EvaluationBuilder::new(&challenge, &submission, values)
        .insert(&db)
        .await;
    fold(&db, challenge.phase_id).await;
    // Nobody but a test does so: it shows what the next ranking reads.
    sqlx::query!(r#"UPDATE leaderboard.means SET means = '{"IA": 0.75}'"#)
        .execute(&db)
        .await
        .unwrap();
    let second = TeamBuilder::new(&challenge, "Bees").insert(&db).await;
    entry(&db, &challenge, &second, 1, 0.6).await;
    fold(&db, challenge.phase_id).await;
    let board = board(&db, challenge.phase_id, None).await;
    assert_eq!(ranked(&board), [(Some(1), "Ants"), (Some(2), "Bees")]);

    set(&db, "metrics = '{IA,image_DSC}'").await;
    fold(&db, challenge.phase_id).await;
    let kept = sqlx::query_scalar!(
        "SELECT means FROM leaderboard.means m JOIN scoring.evaluations e ON e.id = m.evaluation_id
         WHERE e.submission_id = $1",
        submission.id.0
    )
    .fetch_one(&db)
    .await
    .unwrap();
    assert_eq!(kept, json!({"IA": 0.5, "image_DSC": 0.25}));
}

async fn set(db: &PgPool, columns: &str) {
    sqlx::raw_sql(sqlx::AssertSqlSafe(format!(
        "UPDATE tracks.phases SET {columns}"
    )))
    .execute(db)
    .await
    .unwrap();
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_frozen_board_stands_still_for_all_but_organizers_until_it_is_published(db: PgPool) {
    let challenge = challenge(&db, PhaseBuilder::new("validation")).await;
    let role = as_role(&db, Role::Leaderboard).await;
    let fold_at =
        |hours: i64| fold::one(&role, challenge.phase_id, noon() - TimeDelta::hours(hours));
    let ants = TeamBuilder::new(&challenge, "Ants").insert(&db).await;
    entry(&db, &challenge, &ants, 1, 0.5).await;
    fold_at(3).await.unwrap();
    let bees = TeamBuilder::new(&challenge, "Bees").insert(&db).await;
    entry(&db, &challenge, &bees, 2, 0.9).await;
    fold_at(1).await.unwrap();
    set(&db, "freezes_at = '2026-09-01 10:00:00Z'").await;

    let frozen = board(&db, challenge.phase_id, None).await;
    assert_eq!(ranked(&frozen), [(Some(1), "Ants")]);
    assert_eq!(frozen["frozen_at"], "2026-09-01T10:00:00Z");
    let (_, csv) = get(
        &db,
        &format!("/api/v1/boards/{}.csv", challenge.phase_id),
        None,
    )
    .await;
    assert!(!csv.contains("Bees"), "{csv}");
    let past = format!(
        "/api/v1/boards/{}?at=2026-09-01T11:30:00Z",
        challenge.phase_id
    );
    assert!(!get(&db, &past, None).await.1.contains("Bees"));
    let (_, page) = get(&db, "/boards/sts/teeth/validation", None).await;
    assert!(
        page.contains("stands still since") && !page.contains("Bees"),
        "{page}"
    );
    let olga = testing::organizer(&db, "Olga", challenge.id).await;
    let seen = board(&db, challenge.phase_id, Some(&olga)).await;
    assert_eq!(ranked(&seen)[0], (Some(1), "Bees"));

    set(&db, "published_at = now()").await;
    assert_eq!(ranked(&board(&db, challenge.phase_id, None).await).len(), 2);
    set(
        &db,
        "published_at = NULL, freezes_at = '2026-09-01 12:00:01Z'",
    )
    .await;
    assert_eq!(ranked(&board(&db, challenge.phase_id, None).await).len(), 2);
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_board_is_for_those_whom_the_phase_names(db: PgPool) {
    let challenge = challenge(&db, PhaseBuilder::new("validation")).await;
    let ada = testing::person(&db, "Ada").await;
    let ants = TeamBuilder::new(&challenge, "Ants")
        .member(ada.id)
        .insert(&db)
        .await;
    entry(&db, &challenge, &ants, 1, 0.5).await;
    fold(&db, challenge.phase_id).await;
    let eve = testing::person(&db, "Eve").await;
    let waiting = TeamBuilder::new(&challenge, "Waiting").state("requested");
    waiting.member(eve.id).insert(&db).await;

    set(&db, "visibility = 'participants'").await;
    for stranger in [None, Some(&eve)] {
        let seen = board(&db, challenge.phase_id, stranger).await;
        assert!(
            seen["hidden"].is_string() && ranked(&seen).is_empty(),
            "{seen}"
        );
    }
    let seen = board(&db, challenge.phase_id, Some(&ada)).await;
    assert_eq!(ranked(&seen), [(Some(1), "Ants")]);

    set(&db, "visibility = 'organizers'").await;
    let path = format!("/api/v1/boards/{}", challenge.phase_id);
    assert_eq!(get(&db, &path, Some(&ada)).await.0, StatusCode::NOT_FOUND);
    assert_eq!(get(&db, "/api/v1/boards", Some(&ada)).await.1, "[]");
    let olga = testing::organizer(&db, "Olga", challenge.id).await;
    assert_eq!(get(&db, &path, Some(&olga)).await.0, StatusCode::OK);
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn the_best_by_a_metric_that_nothing_was_measured_by_moves_no_board(db: PgPool) {
    let challenge = challenge(&db, PhaseBuilder::new("validation")).await;
    let ants = TeamBuilder::new(&challenge, "Ants").insert(&db).await;
    for ia in [0.2, 0.9] {
        let submission = SubmissionBuilder::new(&challenge, &ants).insert(&db).await;
        EvaluationBuilder::new(&challenge, &submission, json!({"IA": ia}))
            .insert(&db)
            .await;
    }
    rescored(&db, &challenge, &[]).await;
    let keep_by = async |metric: &str| {
        set(
            &db,
            &format!("metrics = '{{IA,image_HD95}}', keep = 'best', keep_metric = '{metric}'"),
        )
        .await;
    };
    keep_by("image_HD95").await;
    assert!(!fold(&db, challenge.phase_id).await);
    keep_by("IA").await;
    assert!(fold(&db, challenge.phase_id).await);
}
