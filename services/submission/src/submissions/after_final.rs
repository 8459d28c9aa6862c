//! A phase on the same hidden cases that opens when a final is published.

use actix_web::http::StatusCode;
use molar_domain::PhaseId;
use molar_domain::quota::Quota;
use molar_testkit::{ChallengeBuilder, PhaseBuilder, SubmissionBuilder};
use serde_json::json;
use sqlx::PgPool;

use crate::testing::{World, open_phase};

const PATH: &str = "/api/v1/submissions";

/// What is open by the clock waits for a final phase that has closed.
async fn stage(pool: &PgPool) -> (World, PhaseId) {
    let quota = Quota {
        total: Some(2),
        ..Quota::default()
    };
    let challenge = ChallengeBuilder::new("sts").phase(open_phase().quota(quota));
    let world = World::with(pool, challenge).await;
    let at = |text: &str| text.parse().unwrap();
    let last = PhaseBuilder::new("final")
        .is_final()
        .window(at("2020-01-01T00:00:00Z"), at("2020-02-01T00:00:00Z"))
        .insert(pool, &world.challenge)
        .await;
    sqlx::query!(
        "UPDATE tracks.phases SET opens_after = $1 WHERE id <> $1",
        last.0
    )
    .execute(pool)
    .await
    .unwrap();
    (world, last)
}

async fn publish(pool: &PgPool, phase: PhaseId) {
    sqlx::query!(
        "UPDATE tracks.phases SET published_at = now() WHERE id = $1",
        phase.0
    )
    .execute(pool)
    .await
    .unwrap();
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn nothing_is_taken_before_the_final_is_published_and_from_then_on_it_is(pool: PgPool) {
    let (world, last) = stage(&pool).await;
    let new = format!("/submissions/new?phase={}", world.challenge.phase_id);
    let (status, refused) = world.post(PATH, &world.body(10)).await;
    assert_eq!(
        (status, &refused["code"]),
        (StatusCode::CONFLICT, &json!("phase-not-open"))
    );
    let why = "the phase opens when the results of “final” are published";
    assert_eq!(refused["detail"], why);
    let (_, page) = world.page(&new).await;
    assert!(
        page.contains("opens when the results of “final” are published"),
        "{page}"
    );
    assert!(!page.contains("data-upload"), "{page}");

    publish(&pool, last).await;
    let (status, created) = world.post(PATH, &world.body(10)).await;
    assert_eq!(status, StatusCode::CREATED, "{created}");
    assert!(world.page(&new).await.1.contains("data-upload"));
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn before_its_own_opening_the_publication_opens_nothing(pool: PgPool) {
    let (world, last) = stage(&pool).await;
    sqlx::query!(
        "UPDATE tracks.phases SET opens_at = '2099-12-24 12:00Z' WHERE id <> $1",
        last.0
    )
    .execute(&pool)
    .await
    .unwrap();
    let (_, refused) = world.post(PATH, &world.body(10)).await;
    let why = "the phase opens when the results of “final” are published, and not before 24 December 2099, 13:00 CET";
    assert_eq!(refused["detail"], why);
    publish(&pool, last).await;
    let (status, refused) = world.post(PATH, &world.body(10)).await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert_eq!(
        refused["detail"],
        "the phase opens on 24 December 2099, 13:00 CET"
    );
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn what_ended_while_it_waited_does_not_open_any_more(pool: PgPool) {
    let (world, last) = stage(&pool).await;
    sqlx::query!(
        "UPDATE tracks.phases SET closes_at = '2021-01-01Z' WHERE id <> $1",
        last.0
    )
    .execute(&pool)
    .await
    .unwrap();
    for is_published in [false, true] {
        if is_published {
            publish(&pool, last).await;
        }
        let (status, refused) = world.post(PATH, &world.body(10)).await;
        assert_eq!(
            (status, &refused["code"]),
            (StatusCode::CONFLICT, &json!("phase-closed"))
        );
    }
}

/// Who may hand in to the final, and how often, is nothing to it.
#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn it_is_open_to_whoever_was_no_finalist_with_a_quota_of_its_own(pool: PgPool) {
    let (world, last) = stage(&pool).await;
    let early = PhaseBuilder::new("early")
        .insert(&pool, &world.challenge)
        .await;
    // The final takes the best of another phase, among whom this team is not.
    sqlx::query!(
        "UPDATE tracks.phases SET finalists_of = $2, finalists_top = 1 WHERE id = $1",
        last.0,
        early.0,
    )
    .execute(&pool)
    .await
    .unwrap();
    sqlx::query!(
        "WITH named AS (
             INSERT INTO tracks.finals (phase_id, top, ranking_version, named_by, named_at)
             SELECT id, 1, 1, id, now() FROM unnest(ARRAY[$1, $3]::uuid[]) id RETURNING phase_id)
         INSERT INTO tracks.finalists (id, phase_id, team_id, rank) SELECT phase_id, phase_id, $2, 9 FROM named",
        last.0,
        world.team.id.0,
        early.0,
    )
    .execute(&pool)
    .await
    .unwrap();
    // And what it handed in there counts there.
    let mut of_final = world.challenge.clone();
    of_final.phase_id = last;
    for _ in 0..2 {
        SubmissionBuilder::new(&of_final, &world.team)
            .insert(&pool)
            .await;
    }
    publish(&pool, last).await;
    for _ in 0..2 {
        let (status, created) = world.post(PATH, &world.body(10)).await;
        assert_eq!(status, StatusCode::CREATED, "{created}");
    }
    let (status, _) = world.post(PATH, &world.body(10)).await;
    assert_eq!(status, StatusCode::TOO_MANY_REQUESTS);
}
