//! `POST /worker/v1/case-runs/{id}/release`

use actix_web::{HttpResponse, web};
use chrono::{DateTime, Utc};
use molar_domain::case_run::CaseRunState;
use molar_domain::worker_api::{Release, ReleaseReason};
use molar_domain::{CaseRunId, FailureCode, WorkerId};
use molar_service::lease::backoff;
use molar_web_kit::{ApiError, Kit};
use sqlx::PgPool;
use uuid::Uuid;

use crate::attempts as life;
use crate::doorbell::{self, Stop};
use crate::rows::case_runs::{Charge, Run};
use crate::rows::{attempts, case_runs};
use crate::state::State;
use crate::{Error, Result};

/// After so many claims that came to nothing on our side, trying again is no use.
const TRANSIENT_MAX: i32 = 5;

/// Takes a case run back from a worker that cannot go on.
#[tracing::instrument(name = "case_runs.release", skip_all, fields(case_run.id = %*id))]
pub async fn release(
    kit: web::Data<Kit>,
    state: web::Data<State>,
    worker: web::ReqData<WorkerId>,
    id: web::Path<Uuid>,
    body: web::Json<Release>,
) -> Result<HttpResponse, ApiError> {
    tracing::warn!(reason = %body.reason, detail = body.detail, worker.id = %*worker, "case run given back");
    let stops = take_back(&kit.db, CaseRunId(*id), *worker, &body, kit.clock.now()).await?;
    doorbell::cancel(&*state.publisher, &stops).await;
    state.dispatch.notify_one();
    Ok(HttpResponse::NoContent().finish())
}

async fn take_back(
    db: &PgPool,
    id: CaseRunId,
    worker: WorkerId,
    body: &Release,
    now: DateTime<Utc>,
) -> Result<Vec<Stop>> {
    let found = case_runs::find(db, id).await?.ok_or(Error::Stale)?;
    let mut tx = db.begin().await?;
    let attempt = attempts::lock(&mut tx, found.attempt_id).await?;
    let run = case_runs::lock(&mut tx, id).await?;
    if run.state != CaseRunState::Running || !run.is_held_by(worker, body.lease_token) {
        tx.rollback().await?;
        return Err(Error::Stale);
    }
    let mut stops = Vec::new();
    match charge(&run, body.reason, now) {
        Some(charge) => case_runs::give_back(&mut tx, &run, &charge).await?,
        None => {
            let code = FailureCode::Internal;
            let detail = format!("given back {TRANSIENT_MAX} times by our machines");
            case_runs::give_up(&mut tx, &run, run.lost_leases, (code, &detail), now).await?;
            let detail = format!("a case run was {detail}");
            stops = life::fail(&mut tx, &attempt, code, &detail, now).await?;
        }
    }
    tx.commit().await?;
    Ok(stops)
}

/// What giving it back costs; `None` if it is given up.
fn charge(run: &Run, reason: ReleaseReason, now: DateTime<Utc>) -> Option<Charge> {
    let transient = run.claims - run.lost_leases;
    let (claims, not_before) = match reason {
        ReleaseReason::Interrupted => (run.claims - 1, now),
        ReleaseReason::Transient if transient >= TRANSIENT_MAX => return None,
        ReleaseReason::Transient => {
            let times = u32::try_from(transient).unwrap_or(1);
            (run.claims, now + backoff(times))
        }
    };
    Some(Charge {
        claims,
        lost_leases: run.lost_leases,
        not_before,
    })
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use molar_domain::worker_api::Grant;
    use sqlx::PgPool;

    use super::*;
    use crate::testing::World;

    async fn give_back(world: &World, grant: &Grant, reason: ReleaseReason) {
        let path = format!("case-runs/{}/release", grant.case_run_id);
        let body = Release {
            lease_token: grant.lease_token,
            reason,
            detail: "of a test".to_owned(),
        };
        assert_eq!(world.call(&path, &body).await.0, 204);
        // It is not the worker's any more.
        assert_eq!(world.call(&path, &body).await.0, 409);
    }

    async fn canary(world: &World) -> (String, i32, TimeDelta) {
        let row = sqlx::query!(
            "SELECT state, claims, not_before FROM execution.case_runs WHERE position = 0"
        )
        .fetch_one(&world.pool)
        .await
        .unwrap();
        (row.state, row.claims, row.not_before - world.now())
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn an_interrupted_run_is_back_in_line_at_once_and_uncharged(pool: PgPool) {
        let world = World::new(pool).await;
        for _ in 0..8 {
            let grant = world.claim().await.unwrap();
            give_back(&world, &grant, ReleaseReason::Interrupted).await;
            let expected = ("waiting".to_owned(), 0, TimeDelta::zero());
            assert_eq!(canary(&world).await, expected);
        }
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn trouble_of_ours_backs_off_and_ends_the_attempt_the_fifth_time(pool: PgPool) {
        let world = World::new(pool).await;
        for (claims, seconds) in [(1, 15), (2, 30), (3, 60), (4, 120)] {
            let grant = world.claim().await.unwrap();
            give_back(&world, &grant, ReleaseReason::Transient).await;
            let wait = TimeDelta::seconds(seconds);
            assert_eq!(canary(&world).await, ("waiting".to_owned(), claims, wait));
            assert!(world.claim().await.is_none());
            world.pass(seconds).await;
        }
        let grant = world.claim().await.unwrap();
        give_back(&world, &grant, ReleaseReason::Transient).await;
        let (state, failure) = world.attempt().await;
        assert_eq!(
            (state.as_str(), failure.as_deref()),
            ("failed", Some("internal"))
        );
    }
}
