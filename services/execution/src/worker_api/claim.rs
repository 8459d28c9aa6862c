//! `POST /worker/v1/claims`

use actix_web::{HttpResponse, web};
use chrono::{DateTime, Utc};
use molar_domain::attempt::AttemptState;
use molar_domain::case_run::CaseRunState;
use molar_domain::dispatch;
use molar_domain::worker_api::{Claim, Grant};
use molar_domain::{AttemptId, CaseRunId, WorkerId};
use molar_web_kit::{ApiError, Kit};
use sqlx::PgPool;
use uuid::Uuid;

use crate::Result;
use crate::rows::workers::{self, Worker};
use crate::rows::{attempts, case_runs, inputs, turns};
use crate::state::State;

/// How often another worker may be faster before this one is told to come again later.
const TRIES: usize = 32;

/// A case run for the worker, or 204.
#[tracing::instrument(name = "case_runs.claim", skip_all, fields(worker.id = %*worker))]
pub async fn claim(
    kit: web::Data<Kit>,
    state: web::Data<State>,
    worker: web::ReqData<WorkerId>,
    body: web::Json<Claim>,
) -> Result<HttpResponse, ApiError> {
    let worker = workers::find(&kit.db, *worker).await?;
    if worker.is_draining {
        return Ok(HttpResponse::NoContent().finish());
    }
    let granted = grant(&kit.db, &state, &worker, &body, kit.clock.now()).await?;
    let Some(grant) = granted else {
        return Ok(HttpResponse::NoContent().finish());
    };
    tracing::info!(case_run.id = %grant.case_run_id, attempt.id = %grant.attempt_id, "claimed");
    // There is room for one more to be released.
    state.dispatch.notify_one();
    Ok(HttpResponse::Ok().json(grant))
}

/// Safe to call from any number of processes at once: candidates are looked for without a lock and taken
/// under one.
pub(crate) async fn grant(
    db: &PgPool,
    state: &State,
    worker: &Worker,
    claim: &Claim,
    now: DateTime<Utc>,
) -> Result<Option<Grant>> {
    for _ in 0..TRIES {
        let Some((run, attempt)) = next(db, worker, claim).await? else {
            return Ok(None);
        };
        if let Some(grant) = take(db, state, worker, run, attempt, now).await? {
            return Ok(Some(grant));
        }
    }
    Ok(None)
}

/// Of those that are released the one whose turn it is. A doorbell names a run, but by the time it is heard
/// another team's turn may be earlier.
async fn next(
    db: &PgPool,
    worker: &Worker,
    claim: &Claim,
) -> Result<Option<(CaseRunId, AttemptId)>> {
    let slot = turns::Slot {
        worker: worker.id,
        has_gpu: claim.has_gpu,
    };
    let runs = turns::claimable(db, slot, claim.hint, &claim.images).await?;
    let shares = turns::shares(db, &worker.device_class, &runs).await?;
    let share = |team| shares.get(&team).copied().unwrap_or_default();
    let first = dispatch::turns(&runs, share, 1).first().copied();
    let run = runs.iter().find(|run| Some(run.case_run) == first);
    Ok(run.map(|run| (run.case_run, run.order.0.into())))
}

/// `None` if another worker was faster or the attempt ended meanwhile.
async fn take(
    db: &PgPool,
    state: &State,
    worker: &Worker,
    id: CaseRunId,
    attempt: AttemptId,
    now: DateTime<Utc>,
) -> Result<Option<Grant>> {
    let mut tx = db.begin().await?;
    let attempt = attempts::lock(&mut tx, attempt).await?;
    let run = case_runs::lock(&mut tx, id).await?;
    if run.state != CaseRunState::Released {
        tx.rollback().await?;
        return Ok(None);
    }
    if attempt.state == AttemptState::Queued {
        attempts::start(&mut tx, &attempt, now).await?;
    }
    let lease = case_runs::Lease {
        token: Uuid::new_v4(),
        worker: worker.id,
        expires_at: now + state.lease.span(),
    };
    case_runs::claim(&mut tx, &run, &lease, now).await?;
    let inputs = inputs::find(&mut *tx, id).await?;
    // Signing asks nobody, so that the transaction does not wait for it.
    let input = inputs.presign_input(&state.store).await?;
    tx.commit().await?;
    Ok(Some(Grant {
        case_run_id: id.0,
        attempt_id: attempt.id.0,
        submission_id: inputs.submission_id.0,
        kind: inputs.kind,
        lease_token: lease.token,
        lease_expires_at: lease.expires_at,
        lease_s: state.lease.lease_s,
        image_digest: inputs.image_digest,
        input,
        format: inputs.format,
        output_name: inputs.output_name,
        limits: inputs.limits,
    }))
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use molar_domain::limits::Limits;
    use molar_testkit::{ChallengeBuilder, PhaseBuilder, WorkerBuilder};
    use sqlx::PgPool;

    use super::*;
    use crate::testing::World;

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn two_workers_that_claim_at_once_get_one_grant(pool: PgPool) {
        let world = World::new(pool).await;
        let other = WorkerBuilder::new("two").insert(&world.pool).await;
        // The canary alone.
        assert_eq!(world.dispatch().await, 1);
        let any = Claim::default();
        let (one, two) = tokio::join!(
            world.claim_as(world.worker.id, &any),
            world.claim_as(other.id, &any)
        );
        assert!(one.is_some() != two.is_some());
        assert_eq!(world.attempt().await.0, "running");
        let claims = sqlx::query_scalar!("SELECT sum(claims) FROM execution.case_runs")
            .fetch_one(&world.pool)
            .await
            .unwrap();
        assert_eq!(claims, Some(1));
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn claims_at_once_share_what_is_released_out(pool: PgPool) {
        let world = World::new(pool).await;
        world.run_one().await;
        assert_eq!(world.dispatch().await, 2);
        let any = Claim::default();
        let id = world.worker.id;
        let (a, b, c) = tokio::join!(
            world.claim_as(id, &any),
            world.claim_as(id, &any),
            world.claim_as(id, &any)
        );
        let granted: std::collections::BTreeSet<_> = [a, b, c]
            .into_iter()
            .flatten()
            .map(|g| g.case_run_id)
            .collect();
        assert_eq!(granted.len(), 2);
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_small_worker_or_one_of_another_class_gets_nothing(pool: PgPool) {
        let world = World::new(pool).await;
        world.dispatch().await;
        let small = WorkerBuilder::new("small")
            .slot_memory_bytes(1 << 30)
            .insert(&world.pool)
            .await;
        let other = WorkerBuilder::new("other")
            .device_class("gpu")
            .insert(&world.pool)
            .await;
        for worker in [small.id, other.id] {
            assert!(world.claim_as(worker, &Claim::default()).await.is_none());
        }
        assert!(
            world
                .claim_as(world.worker.id, &Claim::default())
                .await
                .is_some()
        );
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_case_that_needs_a_gpu_goes_to_a_slot_that_has_one(pool: PgPool) {
        let limits = Limits {
            gpus: 1,
            ..Limits::default()
        };
        let phase = PhaseBuilder::new("final").limits(limits);
        let world = World::of(pool, ChallengeBuilder::new("teeth").phase(phase)).await;
        assert_eq!(world.dispatch().await, 0);
        let other = WorkerBuilder::new("two").slots(2).gpus(1);
        let other = other.insert(&world.pool).await;
        assert_eq!(world.dispatch().await, 1);
        let with_gpu = Claim {
            has_gpu: true,
            ..Claim::default()
        };
        for worker in [&world.worker, &other] {
            assert!(world.claim_as(worker.id, &Claim::default()).await.is_none());
        }
        assert!(world.claim_as(other.id, &with_gpu).await.is_some());
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_slot_with_a_gpu_takes_a_case_that_needs_none(pool: PgPool) {
        let world = World::new(pool).await;
        world.dispatch().await;
        let claim = Claim {
            has_gpu: true,
            ..Claim::default()
        };
        assert!(world.claim_as(world.worker.id, &claim).await.is_some());
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn within_a_team_the_hint_goes_first_then_an_image_that_is_there(pool: PgPool) {
        let cases = ["A", "B", "C", "D"];
        let world = World::of(pool, ChallengeBuilder::new("teeth").cases(&cases)).await;
        world.run_one().await;
        assert_eq!(world.dispatch().await, 3);
        let runs = sqlx::query_scalar!(
            "SELECT id FROM execution.case_runs WHERE state = 'released' ORDER BY position"
        )
        .fetch_all(&world.pool)
        .await
        .unwrap();
        let claim = Claim {
            hint: Some(runs[2]),
            ..Claim::default()
        };
        let mut granted = Vec::new();
        while let Some(grant) = world.claim_as(world.worker.id, &claim).await {
            granted.push(grant.case_run_id);
        }
        assert_eq!(granted, [runs[2], runs[0], runs[1]]);
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_newcomer_is_next_whatever_the_doorbell_names(pool: PgPool) {
        let cases = ["A", "B", "C", "D", "E", "F", "G", "H"];
        let world = World::of(pool, ChallengeBuilder::new("teeth").cases(&cases)).await;
        world.run_one().await;
        assert_eq!(world.dispatch().await, 4);
        let released = sqlx::query_scalar!(
            "SELECT id FROM execution.case_runs WHERE state = 'released' ORDER BY position LIMIT 1"
        );
        let theirs = released.fetch_one(&world.pool).await.unwrap();
        // The room is full of one team's; a turn of it is given back.
        let newcomer = world.submit("Theirs").await;
        assert_eq!(world.dispatch().await, 1);
        let claim = Claim {
            hint: Some(theirs),
            ..Claim::default()
        };
        let grant = world.claim_as(world.worker.id, &claim).await.unwrap();
        assert_eq!(grant.submission_id, newcomer.0);
        assert_eq!(in_state(&world, "released").await, 3);
    }

    async fn in_state(world: &World, state: &str) -> i64 {
        sqlx::query_scalar!(
            r#"SELECT count(*) AS "count!" FROM execution.case_runs WHERE state = $1"#,
            state
        )
        .fetch_one(&world.pool)
        .await
        .unwrap()
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_grant_says_everything_that_a_run_needs(pool: PgPool) {
        let world = World::new(pool).await;
        assert_eq!(world.call("claims", Claim::default()).await.0, 204);
        world.dispatch().await;
        let (status, body) = world.call("claims", Claim::default()).await;
        assert_eq!(status, 200);
        let grant: Grant = serde_json::from_value(body).unwrap();
        assert_eq!(grant.output_name, "Canary_01_Mask.json");
        assert_eq!(grant.input.name, "Canary_01.png");
        assert_eq!(grant.lease_expires_at, world.now() + TimeDelta::seconds(60));
        assert_eq!(grant.lease_s, 60);
        assert!(grant.input.url.contains("/molar-public/cases/"));
        assert_eq!(world.rung.keys(), ["worker.cpu"]);
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_draining_worker_gets_nothing_and_a_revoked_one_is_unknown(pool: PgPool) {
        let world = World::new(pool).await;
        world.dispatch().await;
        workers::drain(&world.db, world.worker.id).await.unwrap();
        assert_eq!(world.call("claims", Claim::default()).await.0, 204);
        workers::revoke(&world.db, world.worker.id, world.now())
            .await
            .unwrap();
        assert_eq!(world.call("claims", Claim::default()).await.0, 401);
    }
}
