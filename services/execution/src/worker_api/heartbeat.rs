//! `POST /worker/v1/case-runs/{id}/heartbeat`

use actix_web::web;
use molar_domain::case_run::CaseRunState;
use molar_domain::worker_api::{Extended, Leased};
use molar_domain::{CaseRunId, WorkerId};
use molar_web_kit::{ApiError, Kit};
use uuid::Uuid;

use crate::Error;
use crate::rows::case_runs;
use crate::state::State;

/// Extends the lease, or says that the run was cancelled.
#[tracing::instrument(name = "case_runs.heartbeat", skip_all, fields(case_run.id = %*id))]
pub async fn heartbeat(
    kit: web::Data<Kit>,
    state: web::Data<State>,
    worker: web::ReqData<WorkerId>,
    id: web::Path<Uuid>,
    body: web::Json<Leased>,
) -> Result<web::Json<Extended>, ApiError> {
    let (id, token) = (CaseRunId(*id), body.lease_token);
    let lease_expires_at = kit.clock.now() + state.lease.span();
    let is_cancelled = match case_runs::extend(&kit.db, id, *worker, token, lease_expires_at).await
    {
        Ok(()) => false,
        Err(Error::Stale) => {
            let run = case_runs::find(&kit.db, id).await?.ok_or(Error::Stale)?;
            if run.state != CaseRunState::Cancelled || !run.is_held_by(*worker, token) {
                return Err(Error::Stale.into());
            }
            true
        }
        Err(error) => return Err(error.into()),
    };
    Ok(web::Json(Extended {
        lease_expires_at,
        lease_s: state.lease.lease_s,
        is_cancelled,
    }))
}

#[cfg(test)]
mod tests {
    use sqlx::PgPool;

    use super::*;
    use crate::testing::World;

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn who_beats_keeps_the_run(pool: PgPool) {
        let world = World::new(pool).await;
        let grant = world.claim().await.unwrap();
        let path = format!("case-runs/{}/heartbeat", grant.case_run_id);
        let body = Leased {
            lease_token: grant.lease_token,
        };
        for _ in 0..5 {
            world.pass(50).await;
            assert_eq!(world.sweep().await, 0);
            assert_eq!(world.call(&path, body).await.0, 200);
        }
        let forged = Leased {
            lease_token: Uuid::new_v4(),
        };
        assert_eq!(world.call(&path, forged).await.0, 409);
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_cancel_is_told_by_the_bell_and_by_the_heartbeat(pool: PgPool) {
        let world = World::new(pool).await;
        let grant = world.claim().await.unwrap();
        world.cancel().await;
        world.reconcile().await;
        let bell = format!("worker.{}", world.worker.id);
        assert_eq!(world.rung.keys(), ["worker.cpu".to_owned(), bell]);

        let path = format!("case-runs/{}/heartbeat", grant.case_run_id);
        let body = Leased {
            lease_token: grant.lease_token,
        };
        let (status, answer) = world.call(&path, body).await;
        assert_eq!(
            (status.as_u16(), &answer["is_cancelled"]),
            (200, &true.into())
        );
        let report = world.predicted(&grant).await;
        assert_eq!(world.finish(&grant, &report).await, 409);
    }
}
