//! Who may measure a case, and for how long.

use std::time::Duration;

use chrono::TimeDelta;
use molar_domain::case_run::CaseRunState;
use molar_domain::{Clock, FailureCode};
use molar_service::lease::{Job, LeaseError};
use sqlx::PgPool;

use super::world::{World, reference};
use crate::cases::rows::{self, Done};
use crate::evaluations;
use crate::testing::zip_of;

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn runs_that_have_not_ended_or_that_we_lost_are_not_claimed(owner: PgPool) {
    let world = World::new(owner).await;
    let attempt = world.container(CaseRunState::Running).await;
    world.read_references().await;
    assert_eq!(world.step().await, 0);
    sqlx::query!(
        "UPDATE execution.case_runs SET state = 'failed', failure = $2, lease_expires_at = NULL WHERE id = $1",
        attempt.case_runs[0].id.0,
        FailureCode::WorkerLost.as_str(),
    )
    .execute(&world.owner)
    .await
    .unwrap();
    assert_eq!(world.step().await, 0);
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn who_lost_the_lease_writes_nothing_and_the_case_is_scored_once(owner: PgPool) {
    let world = World::new(owner).await;
    let exact = reference();
    let zip = zip_of(&[("Case_01_Mask.json", &exact), ("Case_02_Mask.json", &exact)]);
    world.predictions(&zip).await;
    world.read_references().await;
    evaluations::round(&world.reconciler).await.unwrap();
    let job = &world.job;
    let now = world.objects.clock.now();
    let lease_of = |now| job.claim(1, now, now + TimeDelta::seconds(30));
    let old = lease_of(now).await.unwrap().remove(0);

    let later = now + TimeDelta::seconds(31);
    let until = later + TimeDelta::seconds(30);
    let taken = job.claim(2, later, until).await.unwrap();
    let new = taken.iter().find(|lease| lease.id == old.id).unwrap();
    assert_eq!((taken.len(), new.attempt), (2, 2));
    let done = || Done {
        values: serde_json::json!({"IA": 0.5}),
        labels: None,
        reason: None,
        notes: Vec::new(),
    };
    assert!(matches!(
        job.extend(&old, later, until).await,
        Err(LeaseError::Stale)
    ));
    assert!(matches!(
        job.finish(&old, done(), later).await,
        Err(LeaseError::Stale)
    ));
    assert!(matches!(
        job.give_back(&old, later).await,
        Err(LeaseError::Stale)
    ));
    assert!(world.announced().await.is_empty());

    job.extend(new, later, until).await.unwrap();
    job.finish(new, done(), later).await.unwrap();
    assert!(matches!(
        job.finish(new, done(), later).await,
        Err(LeaseError::Stale)
    ));
    assert!(world.announced().await.is_empty());
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn two_last_cases_at_once_end_the_evaluation_once(owner: PgPool) {
    let world = World::new(owner).await;
    world.predictions(&zip_of(&[])).await;
    world.read_references().await;
    evaluations::round(&world.reconciler).await.unwrap();
    let now = world.objects.clock.now();
    let leases = world
        .job
        .claim(2, now, now + TimeDelta::seconds(30))
        .await
        .unwrap();
    let done = || Done {
        values: serde_json::json!({"IA": 0.5}),
        labels: None,
        reason: None,
        notes: Vec::new(),
    };
    // The first has written and not committed when the second comes.
    let evaluation = leases[0].of.evaluation;
    let mut tx = world.job.db.begin().await.unwrap();
    evaluations::lock(&mut tx, evaluation).await.unwrap();
    rows::score(&mut tx, &leases[0], &done(), now)
        .await
        .unwrap();
    let second = world.job.finish(&leases[1], done(), now);
    tokio::pin!(second);
    let waits = tokio::time::timeout(Duration::from_millis(300), &mut second).await;
    assert!(waits.is_err(), "{waits:?}");
    assert!(
        !evaluations::finish_if_done(&mut tx, evaluation, now)
            .await
            .unwrap()
    );
    tx.commit().await.unwrap();
    second.await.unwrap();
    assert_eq!(world.evaluation_state().await, "finished");
    assert_eq!(world.announced().await, ["evaluation.finished"]);
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_cancelled_submission_takes_the_case_from_its_holder(owner: PgPool) {
    let world = World::new(owner).await;
    let (_, submission) = world.predictions(&zip_of(&[])).await;
    world.read_references().await;
    evaluations::round(&world.reconciler).await.unwrap();
    let now = world.objects.clock.now();
    let until = now + TimeDelta::seconds(30);
    let lease = world.job.claim(1, now, until).await.unwrap().remove(0);
    sqlx::query!(
        "UPDATE submission.submissions SET cancelled_at = $2 WHERE id = $1",
        submission.id.0,
        now
    )
    .execute(&world.owner)
    .await
    .unwrap();
    evaluations::round(&world.reconciler).await.unwrap();
    let beat = world.job.extend(&lease, now, until).await;
    assert!(matches!(beat, Err(LeaseError::Stale)));
    assert!(world.job.claim(2, now, until).await.unwrap().is_empty());
    assert_eq!(world.evaluation_state().await, "cancelled");
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_case_whose_holder_dies_again_and_again_is_left_alone_for_longer(owner: PgPool) {
    let world = World::new(owner).await;
    world.predictions(&zip_of(&[])).await;
    world.read_references().await;
    evaluations::round(&world.reconciler).await.unwrap();
    let mut now = world.objects.clock.now();
    for pause_s in [0, 0, 15, 30, 60] {
        let until = now + TimeDelta::seconds(30);
        assert_eq!(world.job.claim(2, now, until).await.unwrap().len(), 2);
        let early = until + TimeDelta::seconds(pause_s - 1);
        assert!(
            world.job.claim(2, early, until).await.unwrap().is_empty(),
            "{pause_s}"
        );
        now = until + TimeDelta::seconds(pause_s);
    }
}
