//! Takes case runs from workers that have gone silent.

use chrono::{DateTime, Utc};
use molar_domain::case_run::{CaseRunState, LOST_LEASES_MAX};
use molar_domain::{AttemptId, CaseRunId, FailureCode};
use molar_queue::Publish;
use molar_service::lease::backoff;
use sqlx::PgPool;

use crate::error::Failures;
use crate::lease::LeaseArgs;
use crate::rows::{attempts, case_runs};
use crate::{Result, attempts as life, doorbell};

/// Returns how many leases were lost. One is when it ran out before what clocks may differ.
pub async fn sweep(
    db: &PgPool,
    publisher: &dyn Publish,
    lease: LeaseArgs,
    now: DateTime<Utc>,
) -> Result<usize> {
    let (mut lost, mut failures) = (0, Failures::default());
    let before = now - lease.skew();
    for (run, attempt) in case_runs::list_lost(db, before).await? {
        let swept = lose(db, publisher, (run, attempt), before, now).await;
        lost += usize::from(failures.note("lease not taken back", run.0, swept) == Some(true));
    }
    failures.finish().map(|()| lost)
}

async fn lose(
    db: &PgPool,
    publisher: &dyn Publish,
    (id, attempt): (CaseRunId, AttemptId),
    before: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<bool> {
    let mut tx = db.begin().await?;
    let attempt = attempts::lock(&mut tx, attempt).await?;
    let run = case_runs::lock(&mut tx, id).await?;
    let is_lost =
        run.state == CaseRunState::Running && run.lease_expires_at.is_some_and(|at| at < before);
    if !is_lost {
        // It beat or ended while we waited for the lock.
        tx.rollback().await?;
        return Ok(false);
    }
    let lost_leases = run.lost_leases + 1;
    let times = u32::try_from(lost_leases).unwrap_or(u32::MAX);
    tracing::warn!(case_run.id = %id, worker.id = ?run.worker_id, lost_leases, "lease lost");
    let stops = if times >= LOST_LEASES_MAX {
        let code = FailureCode::WorkerLost;
        let detail = format!("lost its worker {times} times");
        case_runs::give_up(&mut tx, &run, lost_leases, (code, &detail), now).await?;
        let detail = format!("a case run lost its worker {times} times");
        life::fail(&mut tx, &attempt, code, &detail, now).await?
    } else {
        let charge = case_runs::Charge {
            claims: run.claims,
            lost_leases,
            not_before: now + backoff(times),
        };
        case_runs::give_back(&mut tx, &run, &charge).await?;
        Vec::new()
    };
    tx.commit().await?;
    doorbell::cancel(publisher, &stops).await;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::World;

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_run_that_loses_its_worker_three_times_is_given_up_as_our_fault(pool: PgPool) {
        let world = World::new(pool).await;
        for wait in [15, 30] {
            world.claim().await.unwrap();
            // Within the skew it is still the worker's.
            world.pass(70).await;
            assert_eq!(world.sweep().await, 0);
            world.pass(1).await;
            assert_eq!(world.sweep().await, 1);
            assert_eq!(world.sweep().await, 0);
            world.pass(wait - 1).await;
            assert!(world.claim().await.is_none());
            world.pass(1).await;
        }
        world.claim().await.unwrap();
        world.pass(71).await;
        world.sweep().await;
        use CaseRunState::{Cancelled, Failed};
        assert_eq!(world.runs().await, [Failed, Cancelled, Cancelled]);
        let (state, failure) = world.attempt().await;
        assert_eq!(
            (state.as_str(), failure.as_deref()),
            ("failed", Some("worker-lost"))
        );
        assert_eq!(world.announced().await["attempt.finished"], 1);
        let told = sqlx::query_scalar!(
            "SELECT subject_id FROM audit.entries WHERE action = 'attempt.failed'"
        )
        .fetch_all(&world.pool)
        .await
        .unwrap();
        assert_eq!(told, [world.attempt_id().await.0]);
    }
}
