//! When a re-scoring counts, and when it does not.

use chrono::TimeDelta;
use molar_service::Role;
use molar_testkit::as_role;
use molar_web_kit::testing::{self};
use serde_json::{Value, json};
use sqlx::PgPool;

use super::stage::{Stage, submit};

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_corrected_reference_counts_when_it_is_published_and_not_before(owner: PgPool) {
    let stage = Stage::set(owner).await;
    stage.correct().await;
    stage.work().await;
    assert_eq!(stage.rows().await, ["finished 0 of 2"]);

    let path = stage.ready(json!({})).await;
    // Only the corrected case was measured again.
    assert_eq!(stage.rows().await, ["finished 0 of 2", "finished 1 of 2"]);
    assert_eq!(stage.counting().await, ["finished t"]);
    assert_eq!(stage.shown().await, 1.0);

    let (status, published) = stage.publish(&stage.olga, &path, json!({})).await;
    assert_eq!(
        (status, &published["state"]),
        (200, &json!("published")),
        "{published}"
    );
    assert_eq!(published["copied_cases"], 1);
    stage.work().await;
    assert_eq!(stage.counting().await, ["finished f", "finished t"]);
    assert!(stage.shown().await < 1.0);
    assert_eq!(
        stage.actions().await,
        [
            "rescoring.created",
            "rescoring.started",
            "rescoring.published"
        ]
    );
    let announced = sqlx::query_scalar!(
        r#"SELECT count(*) AS "n!" FROM scoring.outbox WHERE routing_key = 'rescoring.published'"#
    );
    assert_eq!(announced.fetch_one(&stage.world.owner).await.unwrap(), 1);

    // What comes later is measured by what counts now.
    submit(&stage.world, &stage.challenge, "Late").await;
    stage.work().await;
    assert_eq!(
        stage.counting().await,
        ["finished f", "finished t", "finished t"]
    );
}

/// What there is of evaluations after a re-scoring of a phase with such a board, of which the only submission was withdrawn.
async fn rows_where_it_was_withdrawn(owner: PgPool, board: Value) -> Vec<String> {
    let stage = Stage::set(owner.clone()).await;
    sqlx::query!("UPDATE tracks.phases SET board = $1", board)
        .execute(&owner)
        .await
        .unwrap();
    sqlx::query!("UPDATE submission.submissions SET withdrawn_at = created_at")
        .execute(&owner)
        .await
        .unwrap();
    stage.correct().await;
    stage.ready(json!({})).await;
    stage.rows().await
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn what_was_withdrawn_is_not_measured_anew(owner: PgPool) {
    let rows = rows_where_it_was_withdrawn(owner, json!({})).await;
    assert_eq!(rows, ["finished 0 of 2"]);
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn what_was_withdrawn_is_measured_anew_where_a_ladder_remembers_it(owner: PgPool) {
    let rows = rows_where_it_was_withdrawn(owner, json!({"ladder_step": 0.05})).await;
    assert_eq!(rows, ["finished 0 of 2", "finished 1 of 2"]);
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn what_is_dropped_stays_on_record_and_never_counts(owner: PgPool) {
    let stage = Stage::set(owner).await;
    stage.correct().await;
    let path = stage.ready(json!({})).await;
    let (status, dropped) = stage
        .post(
            &stage.olga,
            &format!("{path}/drop"),
            json!({"reason": "it was right"}),
        )
        .await;
    assert_eq!(
        (status, &dropped["state"]),
        (200, &json!("dropped")),
        "{dropped}"
    );
    stage.work().await;
    assert_eq!(stage.counting().await, ["finished t"]);
    assert_eq!(stage.shown().await, 1.0);
    assert_eq!(stage.rows().await, ["finished 0 of 2", "finished 1 of 2"]);
    let (status, late) = stage.publish(&stage.olga, &path, json!({})).await;
    assert_eq!((status, &late["code"]), (409, &json!("wrong-state")));

    // Nor is anything taken over from it.
    stage.ready(json!({})).await;
    assert_eq!(
        stage.rows().await,
        ["finished 0 of 2", "finished 1 of 2", "finished 1 of 2"]
    );
    let from = sqlx::query_scalar!(
        r#"SELECT count(DISTINCT copied_from) AS "n!" FROM scoring.case_scores WHERE copied_from IS NOT NULL"#
    );
    assert_eq!(from.fetch_one(&stage.world.owner).await.unwrap(), 1);
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_dropped_one_stops_measuring(owner: PgPool) {
    let stage = Stage::set(owner).await;
    stage.correct().await;
    let (_, made) = stage.draft(json!({})).await;
    let path = format!("/api/v1/rescorings/{}", made["id"].as_str().unwrap());
    stage
        .post(&stage.olga, &format!("{path}/compute"), json!({}))
        .await;
    let reconciler = crate::rescorings::round;
    let db = as_role(&stage.world.owner, Role::Scoring).await;
    let now = molar_domain::Clock::now(&stage.world.objects.clock);
    reconciler(&db, now).await.unwrap();
    assert_eq!(stage.rows().await, ["finished 0 of 2", "running 1 of 2"]);
    stage
        .post(
            &stage.olga,
            &format!("{path}/drop"),
            json!({"reason": "no"}),
        )
        .await;
    stage.work().await;
    assert_eq!(stage.rows().await, ["finished 0 of 2", "cancelled 1 of 2"]);
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn everything_again_asks_for_the_name_of_the_phase(owner: PgPool) {
    let stage = Stage::set(owner).await;
    let (status, same) = stage.draft(json!({})).await;
    assert_eq!((status, &same["code"]), (409, &json!("nothing-differs")));
    for confirm in [Value::Null, json!("validation"), json!("teeth/teeth/final")] {
        let (status, refused) = stage
            .draft(json!({"scope": "everything", "confirm": confirm}))
            .await;
        assert_eq!(status, 422, "{refused}");
        assert_eq!(refused["errors"][0]["pointer"], "/confirm");
    }
    // Other metrics leave no score to take over.
    sqlx::query!("UPDATE tracks.phases SET metrics = '{IA,image_HD95}'")
        .execute(&stage.world.owner)
        .await
        .unwrap();
    let (status, refused) = stage.draft(json!({})).await;
    assert_eq!(
        (status, &refused["errors"][0]["pointer"]),
        (422, &json!("/confirm"))
    );
    let name = "teeth/teeth/validation";
    let path = stage
        .ready(json!({"scope": "everything", "confirm": name}))
        .await;
    assert_eq!(stage.rows().await, ["finished 0 of 2", "finished 0 of 2"]);
    let (status, second) = stage.draft(json!({"confirm": name})).await;
    assert_eq!((status, &second["code"]), (409, &json!("rescoring-open")));
    assert_eq!(stage.publish(&stage.olga, &path, json!({})).await.0, 200);
    assert_eq!(stage.counting().await, ["finished f", "finished t"]);
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn everything_again_with_nothing_changed_counts_once_it_is_published(owner: PgPool) {
    let stage = Stage::set(owner).await;
    let path = stage
        .ready(json!({"scope": "everything", "confirm": "teeth/teeth/validation"}))
        .await;
    assert_eq!(stage.counting().await, ["finished t"]);
    assert_eq!(stage.publish(&stage.olga, &path, json!({})).await.0, 200);
    stage.work().await;
    // Both were measured by what counts; the newer is shown.
    assert_eq!(stage.counting().await, ["finished t", "finished t"]);
    let shown = sqlx::query_scalar!(
        r#"SELECT e.rescoring_id IS NOT NULL AS "is!" FROM submission.life l
           JOIN scoring.evaluations e ON e.id = l.evaluation_id"#
    );
    assert!(shown.fetch_one(&stage.world.owner).await.unwrap());
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn another_organizer_confirms_where_the_file_says_so(owner: PgPool) {
    let stage = Stage::set(owner).await;
    sqlx::query!("UPDATE tracks.challenges SET second_organizer = '{rescore}'")
        .execute(&stage.world.owner)
        .await
        .unwrap();
    let bob = testing::organizer(&stage.world.owner, "Bob", stage.challenge.id).await;
    stage.correct().await;
    let path = stage.ready(json!({})).await;

    let (status, asked) = stage
        .publish(&stage.olga, &path, json!({"reason": "now"}))
        .await;
    assert_eq!(status, 202, "{asked}");
    assert_eq!(
        asked["detail"],
        "publishing this re-scoring waits for a second organizer; ask Bob to confirm it under /organize/requests"
    );
    assert_eq!(stage.counting().await, ["finished t"]);
    let confirms = json!({"confirms": asked["request_id"]});
    let (status, own) = stage.publish(&stage.olga, &path, confirms.clone()).await;
    assert_eq!(
        (status, &own["code"]),
        (409, &json!("second-organizer-is-the-first"))
    );
    let (status, again) = stage.publish(&stage.olga, &path, json!({})).await;
    assert_eq!(
        (status, &again["code"]),
        (409, &json!("waits-for-second-organizer"))
    );
    assert_eq!(stage.publish(&bob, &path, json!({})).await.0, 409);
    assert_eq!(stage.counting().await, ["finished t"]);

    let (status, done) = stage.publish(&bob, &path, confirms).await;
    assert_eq!(
        (status, &done["state"]),
        (200, &json!("published")),
        "{done}"
    );
    assert_eq!(stage.counting().await, ["finished f", "finished t"]);
    let actions = stage.actions().await;
    assert_eq!(
        actions[2..],
        ["request.made", "request.confirmed", "rescoring.published"]
    );
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_submission_that_is_scored_meanwhile_is_measured_too_before_it_is_published(
    owner: PgPool,
) {
    let stage = Stage::set(owner).await;
    stage.correct().await;
    let path = stage.ready(json!({})).await;
    submit(&stage.world, &stage.challenge, "Late").await;
    // It is scored by what counts, and one round is missing until it is measured beside.
    stage.world.objects.clock.advance(TimeDelta::minutes(1));
    stage.world.step().await;
    let (status, early) = stage.publish(&stage.olga, &path, json!({})).await;
    assert_eq!(
        (status, &early["code"]),
        (409, &json!("preview-not-complete"))
    );
    assert_eq!(stage.counting().await, ["finished t", "finished t"]);
    stage.work().await;
    assert_eq!(stage.publish(&stage.olga, &path, json!({})).await.0, 200);
    assert_eq!(
        stage
            .counting()
            .await
            .iter()
            .filter(|one| *one == "finished t")
            .count(),
        2
    );
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn what_teams_hand_in_is_measured_before_a_rescoring_the_oldest_first(owner: PgPool) {
    let stage = Stage::set(owner).await;
    stage.correct().await;
    let (_, made) = stage.draft(json!({})).await;
    let path = format!(
        "/api/v1/rescorings/{}/compute",
        made["id"].as_str().unwrap()
    );
    assert_eq!(stage.post(&stage.olga, &path, json!({})).await.0, 200);
    stage.world.make_evaluations().await;
    let mut waiting = Vec::new();
    for team in ["Early", "Late"] {
        let submission = submit(&stage.world, &stage.challenge, team).await;
        stage.world.objects.clock.advance(TimeDelta::minutes(1));
        stage.world.make_evaluations().await;
        waiting.extend([Some(submission.id.0); 2]);
    }
    waiting.extend([Some(stage.submission.id.0), None]);
    let mut taken = Vec::new();
    for _ in 0..waiting.len() {
        let submission = match stage.world.claim().await {
            Some(evaluation) => sqlx::query_scalar!(
                "SELECT submission_id FROM scoring.evaluations WHERE id = $1",
                evaluation.0
            )
            .fetch_optional(&stage.world.owner)
            .await
            .unwrap(),
            None => None,
        };
        taken.push(submission);
    }
    assert_eq!(taken, waiting);
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_new_scorer_never_stands_beside_an_old_one(owner: PgPool) {
    let stage = Stage::set(owner).await;
    sqlx::query!("UPDATE scoring.evaluations SET scorer_version = 'old'")
        .execute(&stage.world.owner)
        .await
        .unwrap();
    sqlx::query!("UPDATE scoring.frames SET scorer_version = 'old'")
        .execute(&stage.world.owner)
        .await
        .unwrap();
    submit(&stage.world, &stage.challenge, "Late").await;
    stage.work().await;
    // Measured, and named by whom; the board takes only what is current.
    assert_eq!(stage.counting().await, ["finished t", "finished f"]);
    let path = stage
        .ready(json!({"confirm": "teeth/teeth/validation"}))
        .await;
    // Of the late one the score is taken over: it was measured by the new scorer already.
    assert_eq!(
        stage.rows().await[..2],
        ["finished 0 of 2", "finished 0 of 2"]
    );
    let mut rescored = stage.rows().await[2..].to_vec();
    rescored.sort();
    assert_eq!(rescored, ["finished 0 of 2", "finished 2 of 2"]);
    assert_eq!(stage.publish(&stage.olga, &path, json!({})).await.0, 200);
    stage.work().await;
    assert_eq!(
        stage.counting().await,
        ["finished f", "finished t", "finished t", "finished t"]
    );
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn reviewers_read_and_change_nothing_and_others_find_nothing(owner: PgPool) {
    let stage = Stage::set(owner).await;
    stage.correct().await;
    let path = stage.ready(json!({})).await;
    let rita = testing::organizer(&stage.world.owner, "Rita", stage.challenge.id).await;
    sqlx::query!(
        "UPDATE registration.challenge_roles SET role = 'reviewer' WHERE user_id = $1",
        rita.id.0
    )
    .execute(&stage.world.owner)
    .await
    .unwrap();
    assert_eq!(stage.publish(&rita, &path, json!({})).await.0, 403);
    let elsewhere = molar_testkit::ChallengeBuilder::new("other")
        .insert(&stage.world.owner)
        .await;
    let eve = testing::organizer(&stage.world.owner, "Eve", elsewhere.id).await;
    assert_eq!(stage.publish(&eve, &path, json!({})).await.0, 404);
    assert_eq!(stage.counting().await, ["finished t"]);
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_phase_whose_predictions_are_gone_says_so_and_is_not_measured_again(pool: PgPool) {
    let stage = Stage::set(pool).await;
    stage.correct().await;
    let (status, made) = stage.draft(json!({})).await;
    assert_eq!(status, 201, "{made}");
    sqlx::query!(
        "INSERT INTO submission.removals (id, phase_id, retention_days, begun_at)
         SELECT gen_random_uuid(), id, 90, '2027-03-02T05:00:00Z' FROM tracks.phases"
    )
    .execute(&stage.world.owner)
    .await
    .unwrap();
    let path = format!("/api/v1/rescorings/{}", made["id"].as_str().unwrap());
    let computed = stage
        .post(&stage.olga, &format!("{path}/compute"), json!({}))
        .await;
    let drafted = stage.draft(json!({})).await;
    for (status, problem) in [computed, drafted] {
        assert_eq!(
            (status, &problem["code"]),
            (409, &json!("files-removed")),
            "{problem}"
        );
        let told = problem["detail"].as_str().unwrap();
        assert!(
            told.contains("removed on 2 March 2027 under the phase's retention of 90 days"),
            "{told}"
        );
    }
    stage.work().await;
    assert_eq!(stage.counting().await, ["finished t"]);
}
