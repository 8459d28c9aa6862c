//! What a team sees of a container that is run again, and what that takes from it: nothing.

use actix_web::http::StatusCode;
use chrono::TimeDelta;
use molar_domain::FailureCode;
use molar_domain::attempt::AttemptState;
use molar_domain::phase::SubmissionKind;
use molar_domain::quota::Quota;
use molar_testkit::{
    AttemptBuilder, ChallengeBuilder, EvaluationBuilder, Submission, SubmissionBuilder, noon,
};
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::testing::{World, open_phase};

const WHY: &str = "the engine had <crashed>";

async fn scored(pool: &PgPool) -> (World, Submission) {
    let phase = open_phase().kind(SubmissionKind::Container);
    let phase = phase.quota(Quota {
        concurrent: 1,
        ..Quota::default()
    });
    let world = World::with(pool, ChallengeBuilder::new("sts").canary().phase(phase)).await;
    let submission = SubmissionBuilder::new(&world.challenge, &world.team)
        .container()
        .insert(pool)
        .await;
    let first = AttemptBuilder::new(&world.challenge, &submission).state(AttemptState::Finished);
    let first = first.insert(pool).await;
    EvaluationBuilder::new(&world.challenge, &submission, json!({"image_DSC": 0.5}))
        .attempt(&first)
        .insert(pool)
        .await;
    (world, submission)
}

async fn run_again(pool: &PgPool, world: &World, submission: &Submission, state: AttemptState) {
    let again = AttemptBuilder::new(&world.challenge, submission)
        .rerun(2, WHY)
        .created_at(noon() + TimeDelta::hours(1));
    let again = match state {
        AttemptState::Failed => again.failed(FailureCode::WorkerLost),
        state => again.state(state),
    };
    again.insert(pool).await;
}

async fn cases(world: &World, submission: &Submission) -> Vec<(String, Value)> {
    let path = format!("/api/v1/submissions/{}/cases", submission.id);
    let (_, list) = world.get(&path).await;
    list["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|case| case["is_canary"] != true)
        .map(|case| {
            (
                case["state"].as_str().unwrap().to_owned(),
                case["values"].clone(),
            )
        })
        .collect()
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn the_team_reads_that_and_why_it_is_run_again_and_can_submit_meanwhile(pool: PgPool) {
    let (world, submission) = scored(&pool).await;
    let body = world.body(4096);
    run_again(&pool, &world, &submission, AttemptState::Queued).await;
    let seen = world.find(submission.id.0).await;
    assert_eq!(seen["state"], "queued");
    assert_eq!(
        seen["rerun"],
        json!({"attempt": 2, "reason": WHY, "is_going_on": true, "failure": null})
    );
    assert_eq!(seen["progress"]["scored_cases"], 0, "{seen}");
    let (_, html) = world.page(&format!("/submissions/{}", submission.id)).await;
    assert!(
        html.contains("The organizers run it again")
            && html.contains("the engine had &#60;crashed&#62;"),
        "{html}"
    );
    assert!(
        !html.contains("/cancel") && html.contains("/withdraw"),
        "{html}"
    );
    let waiting = ("waiting".to_owned(), Value::Null);
    assert_eq!(cases(&world, &submission).await, [waiting.clone(), waiting]);

    let path = format!("/api/v1/submissions/{}/cancel", submission.id);
    let (status, problem) = world.post(&path, &json!({})).await;
    assert_eq!(status, StatusCode::CONFLICT, "{problem}");
    // One at a time, and what organizers do is none of theirs.
    let (status, made) = world.post("/api/v1/submissions", &body).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn where_a_rerun_fails_the_earlier_score_is_shown_as_a_whole(pool: PgPool) {
    let (world, submission) = scored(&pool).await;
    run_again(&pool, &world, &submission, AttemptState::Failed).await;
    let seen = world.find(submission.id.0).await;
    assert_eq!(
        (&seen["state"], &seen["failure"]),
        (&json!("scored"), &Value::Null)
    );
    assert_eq!(seen["rerun"]["failure"], "worker-lost");
    let whole = ("scored".to_owned(), json!({"image_DSC": 0.5}));
    assert_eq!(cases(&world, &submission).await, [whole.clone(), whole]);
    let (_, html) = world.page(&format!("/submissions/{}", submission.id)).await;
    assert!(html.contains("the earlier score stands"), "{html}");
}
