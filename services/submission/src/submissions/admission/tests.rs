use actix_web::http::StatusCode;
use molar_domain::FailureCode;
use molar_domain::attempt::AttemptState;
use molar_domain::phase::Keep;
use molar_domain::quota::Quota;
use molar_testkit::{
    AttemptBuilder, ChallengeBuilder, EvaluationBuilder, PhaseBuilder, SubmissionBuilder, noon,
};
use serde_json::{Value, json};
use sqlx::PgPool;

use super::*;
use crate::testing::{World, open_phase};

fn quota(trials_per_day: u32) -> Quota {
    Quota {
        per_day: Some(1),
        concurrent: 1,
        trials_per_day,
        ..Quota::default()
    }
}

async fn world(pool: &PgPool, trials_per_day: u32) -> World {
    let phase = open_phase()
        .kind(SubmissionKind::Container)
        .keep(Keep::Chosen)
        .quota(quota(trials_per_day));
    World::with(pool, ChallengeBuilder::new("sts").canary().phase(phase)).await
}

async fn hand_in(world: &World, is_trial: bool) -> (StatusCode, Value) {
    let mut body = world.body(10);
    body["is_trial"] = json!(is_trial);
    world.post("/api/v1/submissions", &body).await
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_trial_costs_no_chance_and_has_a_limit_of_its_own(pool: PgPool) {
    let world = world(&pool, 2).await;
    for _ in 0..2 {
        let (status, created) = hand_in(&world, true).await;
        assert_eq!(status, StatusCode::CREATED, "{created:#}");
    }
    let (status, problem) = hand_in(&world, true).await;
    assert_eq!(status, StatusCode::TOO_MANY_REQUESTS);
    let detail = problem["detail"].as_str().unwrap();
    assert!(
        detail.starts_with("your team has used its 2 trials of today"),
        "{detail}"
    );
    // The one chance of the day, and the one place for work, are still there.
    assert_eq!(hand_in(&world, false).await.0, StatusCode::CREATED);
    assert_eq!(
        hand_in(&world, false).await.0,
        StatusCode::TOO_MANY_REQUESTS
    );
    let reserved = sqlx::query_scalar!("SELECT count(*) FROM submission.quota_ledger");
    assert_eq!(reserved.fetch_one(&pool).await.unwrap(), Some(1));
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_trial_that_failed_through_our_fault_does_not_count(pool: PgPool) {
    let world = world(&pool, 1).await;
    let now = db_now(&pool).await;
    let trial = || {
        SubmissionBuilder::new(&world.challenge, &world.team)
            .created_at(now)
            .trial()
            .insert(&pool)
    };
    let lost = trial().await;
    AttemptBuilder::new(&world.challenge, &lost)
        .failed(FailureCode::WorkerLost)
        .insert(&pool)
        .await;
    assert_eq!(hand_in(&world, true).await.0, StatusCode::CREATED);
    assert_eq!(hand_in(&world, true).await.0, StatusCode::TOO_MANY_REQUESTS);
}

async fn db_now(pool: &PgPool) -> DateTime<Utc> {
    molar_service::db::now(pool).await.unwrap()
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn where_there_can_be_no_trial_the_reason_is_told(pool: PgPool) {
    let none_allowed = world(&pool, 0).await;
    let (status, problem) = hand_in(&none_allowed, true).await;
    assert_eq!(status, StatusCode::TOO_MANY_REQUESTS);
    assert!(
        problem["detail"]
            .as_str()
            .unwrap()
            .contains("allows no trials"),
        "{problem:#}"
    );

    sqlx::query!("UPDATE tracks.phases SET canary_case_id = NULL")
        .execute(&pool)
        .await
        .unwrap();
    let (status, problem) = hand_in(&none_allowed, true).await;
    assert_eq!(
        (status, &problem["code"]),
        (StatusCode::CONFLICT, &json!("no-canary"))
    );
    assert!(
        problem["detail"]
            .as_str()
            .unwrap()
            .contains("no public case"),
        "{problem:#}"
    );
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn predictions_are_not_tried(pool: PgPool) {
    let world = World::new(&pool).await;
    let (status, problem) = hand_in(&world, true).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(problem["errors"][0]["pointer"], "/is_trial");
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_trial_ends_as_tried_and_out_of_the_ranks(pool: PgPool) {
    let world = world(&pool, 2).await;
    let trial = SubmissionBuilder::new(&world.challenge, &world.team)
        .trial()
        .insert(&pool)
        .await;
    AttemptBuilder::new(&world.challenge, &trial)
        .state(AttemptState::Finished)
        .insert(&pool)
        .await;
    let view = world.find(trial.id.0).await;
    assert_eq!(
        (&view["state"], &view["is_final"]),
        (&json!("tried"), &json!(true))
    );
    assert_eq!(
        (&view["is_trial"], &view["quota"]),
        (&json!(true), &json!(null))
    );
    for verb in ["choose", "withdraw"] {
        let path = format!("/api/v1/submissions/{}/{verb}", trial.id);
        let (status, problem) = world.post(&path, &json!({})).await;
        assert_eq!(status, StatusCode::CONFLICT, "{problem:#}");
    }
    let (_, page) = world.page(&format!("/submissions/{}", trial.id)).await;
    assert!(
        page.contains("badge-tried") && page.contains("The image passed"),
        "{page}"
    );
    assert!(
        !page.contains("/choose") && !page.contains("/withdraw"),
        "{page}"
    );
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_phase_of_finalists_takes_the_best_of_the_one_before(pool: PgPool) {
    let world = World::with(&pool, ChallengeBuilder::new("sts").phase(open_phase())).await;
    let before = PhaseBuilder::new("before").window(
        noon() - chrono::TimeDelta::days(9),
        noon() - chrono::TimeDelta::days(1),
    );
    let before = before.insert(&pool, &world.challenge).await;
    sqlx::query!(
        "UPDATE tracks.phases SET finalists_of = $1, finalists_top = 2 WHERE id = $2",
        before.0,
        world.challenge.phase_id.0,
    )
    .execute(&pool)
    .await
    .unwrap();
    let (status, answer) = world.post("/api/v1/submissions", &world.body(10)).await;
    assert_eq!(
        (status, &answer["code"]),
        (StatusCode::FORBIDDEN, &json!("not-a-finalist"))
    );
    assert_eq!(
        answer["detail"],
        "only the 2 best teams of before may submit, and yours is not among them"
    );
    for (rank, is_let_in) in [(3, false), (2, true)] {
        place(&pool, &world, before.0, rank).await;
        let (status, answer) = world.post("/api/v1/submissions", &world.body(10)).await;
        assert_eq!(status == StatusCode::CREATED, is_let_in, "{answer}");
    }
    sqlx::query!(
        "UPDATE tracks.phases SET closes_at = now() + interval '1 day' WHERE id = $1",
        before.0
    )
    .execute(&pool)
    .await
    .unwrap();
    let (_, answer) = world.post("/api/v1/submissions", &world.body(10)).await;
    assert_eq!(answer["code"], "finalists-unknown", "{answer}");
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn where_finalists_are_named_these_go_on_and_no_others(pool: PgPool) {
    let world = World::with(&pool, ChallengeBuilder::new("sts").phase(open_phase())).await;
    let before = PhaseBuilder::new("before").window(
        noon() - chrono::TimeDelta::days(9),
        noon() - chrono::TimeDelta::days(1),
    );
    let before = before.insert(&pool, &world.challenge).await;
    sqlx::query!(
        "UPDATE tracks.phases SET finalists_of = $1, finalists_top = 2 WHERE id = $2",
        before.0,
        world.challenge.phase_id.0,
    )
    .execute(&pool)
    .await
    .unwrap();
    // Good enough by its rank, but behind the two who were named.
    place(&pool, &world, before.0, 2).await;
    sqlx::query!(
        "WITH f AS (INSERT INTO tracks.finals (phase_id, top, ranking_version, named_by, named_at)
                    VALUES ($1, 2, 1, $1, now()) RETURNING phase_id)
         INSERT INTO tracks.finalists (id, phase_id, team_id, rank) SELECT $1, phase_id, $2, 3 FROM f",
        before.0,
        world.team.id.0,
    )
    .execute(&pool)
    .await
    .unwrap();
    let (_, answer) = world.post("/api/v1/submissions", &world.body(10)).await;
    assert_eq!(answer["code"], "not-a-finalist", "{answer}");
    sqlx::query!("UPDATE tracks.finalists SET named_at = now()")
        .execute(&pool)
        .await
        .unwrap();
    let (status, answer) = world.post("/api/v1/submissions", &world.body(10)).await;
    assert_eq!(status, StatusCode::CREATED, "{answer}");
    sqlx::query!(
        "UPDATE tracks.finalists SET struck_at = now(), struck_by = id, struck_reason = 'late'"
    )
    .execute(&pool)
    .await
    .unwrap();
    let (_, answer) = world.post("/api/v1/submissions", &world.body(10)).await;
    assert_eq!(answer["code"], "not-a-finalist", "{answer}");
}

/// A new version of the board, with the team on this rank.
async fn place(pool: &PgPool, world: &World, phase: Uuid, rank: i32) {
    let submission = SubmissionBuilder::new(&world.challenge, &world.team);
    let submission = submission.insert(pool).await;
    let evaluation = EvaluationBuilder::new(&world.challenge, &submission, json!({"IA": 0.5}));
    let evaluation = evaluation.insert(pool).await;
    sqlx::query!(
        "WITH r AS (INSERT INTO leaderboard.rankings (id, phase_id, version, inputs_hash, left_out, created_at)
                    VALUES (gen_random_uuid(), $1, 10 - $5, '', '{}', now()) RETURNING id)
         INSERT INTO leaderboard.entries
             (ranking_id, team_id, submission_id, evaluation_id, values, ranks, mean_rank, final_rank, is_eligible,
              cases, failed_cases, submitted_at)
         SELECT id, $2, $3, $4, '{}', '{}', 1.0, $5, true, 1, 0, now() FROM r",
        phase,
        world.team.id.0,
        submission.id.0,
        evaluation.id.0,
        rank,
    )
    .execute(pool)
    .await
    .unwrap();
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_licence_is_asked_for_and_kept_where_the_phase_names_some(pool: PgPool) {
    let phase = open_phase().requires_code_url();
    let world = World::with(&pool, ChallengeBuilder::new("sts").phase(phase)).await;
    sqlx::raw_sql("UPDATE tracks.phases SET allowed_licences = '{MIT,Apache-2.0}'")
        .execute(&pool)
        .await
        .unwrap();
    let mut body = world.body(10);
    body["code_url"] = json!("https://code.test/team");
    for wrong in [json!(null), json!("GPL-3.0-only")] {
        body["licence"] = wrong;
        let (status, answer) = world.post("/api/v1/submissions", &body).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(answer["errors"][0]["pointer"], "/licence", "{answer}");
    }
    body["licence"] = json!("mit");
    let (status, answer) = world.post("/api/v1/submissions", &body).await;
    assert_eq!(status, StatusCode::CREATED, "{answer}");
    let kept = sqlx::query_scalar!("SELECT licence FROM submission.submissions");
    assert_eq!(kept.fetch_one(&pool).await.unwrap().as_deref(), Some("MIT"));
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn nobody_but_organizers_hears_of_their_own_phase(pool: PgPool) {
    let world = World::with(&pool, ChallengeBuilder::new("sts").phase(open_phase())).await;
    sqlx::raw_sql("UPDATE tracks.phases SET visibility = 'organizers'")
        .execute(&pool)
        .await
        .unwrap();
    let (status, _) = world.post("/api/v1/submissions", &world.body(10)).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}
