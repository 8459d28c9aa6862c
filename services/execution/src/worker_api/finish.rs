//! `POST /worker/v1/case-runs/{id}/finish`

use actix_web::{HttpResponse, web};
use chrono::{DateTime, Utc};
use molar_contracts::keys;
use molar_domain::case_run::{CaseRunKind, CaseRunState};
use molar_domain::worker_api::{Finish, Stored};
use molar_domain::{CaseRunId, FailureCode, Fault, WorkerId};
use molar_objects::{Bucket, Store};
use molar_service::outbox;
use molar_web_kit::{ApiError, Complaints, Kit};
use sqlx::PgPool;
use uuid::Uuid;

use super::{LOG_NAME, SERIES_NAME, key, sha256};
use crate::attempts as life;
use crate::doorbell::{self, Stop};
use crate::rows::case_runs::{Outcome, Run};
use crate::rows::inputs::{self, Inputs};
use crate::rows::{attempts, case_runs, logs};
use crate::state::State;
use crate::{Error, Result};

/// What a report's free texts may have.
const TEXT_CHARS: usize = 2000;
const NOTES: usize = 50;

/// How the run ended. Said twice by its holder, it changes nothing the second time.
#[tracing::instrument(name = "case_runs.finish", skip_all, fields(case_run.id = %*id))]
pub async fn finish(
    kit: web::Data<Kit>,
    state: web::Data<State>,
    worker: web::ReqData<WorkerId>,
    id: web::Path<Uuid>,
    body: web::Json<Finish>,
) -> Result<HttpResponse, ApiError> {
    let id = CaseRunId(*id);
    let run = case_runs::find(&kit.db, id).await?.ok_or(Error::Stale)?;
    match standing(&run, *worker, body.lease_token)? {
        Standing::Ended => return Ok(HttpResponse::NoContent().finish()),
        Standing::Runs => {}
    }
    check(&body)?;
    let inputs = inputs::find(&kit.db, id).await?;
    let outcome = outcome(&state.store, &run, &inputs, &body).await?;
    let stops = end(&kit.db, &run, &inputs, &outcome, kit.clock.now()).await;
    let stops = match stops {
        Ok(stops) => stops,
        // The same report may have come twice at once.
        Err(Error::Stale) => {
            let run = case_runs::find(&kit.db, id).await?.ok_or(Error::Stale)?;
            match standing(&run, *worker, body.lease_token)? {
                Standing::Ended => return Ok(HttpResponse::NoContent().finish()),
                Standing::Runs => return Err(Error::Stale.into()),
            }
        }
        Err(error) => return Err(error.into()),
    };
    doorbell::cancel(&*state.publisher, &stops).await;
    state.dispatch.notify_one();
    Ok(HttpResponse::NoContent().finish())
}

enum Standing {
    Runs,
    Ended,
}

fn standing(run: &Run, worker: WorkerId, token: Uuid) -> Result<Standing> {
    match run.state {
        _ if !run.is_held_by(worker, token) => Err(Error::Stale),
        CaseRunState::Running => Ok(Standing::Runs),
        CaseRunState::Finished | CaseRunState::Failed => Ok(Standing::Ended),
        CaseRunState::Waiting | CaseRunState::Released | CaseRunState::Cancelled => {
            Err(Error::Stale)
        }
    }
}

fn check(body: &Finish) -> Result<(), ApiError> {
    let mut wrong = Complaints::new();
    match body.failure {
        None => {
            wrong.check(
                body.output.is_some(),
                "/output",
                "is missing without a failure",
            );
            wrong.check(
                body.wall_ms.is_some(),
                "/wall_ms",
                "is missing without a failure",
            );
        }
        Some(code) => wrong.check(
            code.fault() == Fault::Theirs,
            "/failure",
            "is ours: release the case run instead",
        ),
    }
    let counts = [
        ("/wall_ms", body.wall_ms),
        ("/peak_memory_bytes", body.peak_memory_bytes),
        ("/kernel_peak_memory_bytes", body.kernel_peak_memory_bytes),
    ];
    for (pointer, count) in counts {
        let fits = count.is_none_or(|count| i64::try_from(count).is_ok());
        wrong.check(fits, pointer, "is too large");
    }
    let measures = [
        ("/gpu_area_mib_s", body.gpu_area_mib_s),
        ("/gpu_baseline_mib", body.gpu_baseline_mib),
        ("/gpu_total_mib", body.gpu_total_mib),
        ("/gpu_peak_mib", body.gpu_peak_mib),
        ("/memory_area_mib_s", body.memory_area_mib_s),
        ("/cpu_core_s", body.cpu_core_s),
    ];
    for (pointer, measure) in measures {
        let is_measure = measure.is_none_or(|value| value.is_finite() && value >= 0.0);
        wrong.check(is_measure, pointer, "must not be negative");
    }
    wrong.finish()
}

/// Looks at what was put: only what lies in the store as it was announced is written down.
async fn outcome(
    store: &Store,
    run: &Run,
    inputs: &Inputs,
    body: &Finish,
) -> Result<Outcome, ApiError> {
    let token = body.lease_token;
    let output = match (&body.failure, &body.output) {
        (None, Some(stored)) => {
            let key = key(run, token, &inputs.output_name);
            if !is_stored(store, Bucket::Outputs, &key, "/output/sha256", stored).await? {
                return Err(ApiError::invalid(
                    "/output",
                    "does not lie in the store as announced",
                ));
            }
            Some((key, stored.clone()))
        }
        _ => None,
    };
    let log = match &body.log {
        Some(stored) => {
            let key = key(run, token, LOG_NAME);
            let is_there = is_stored(store, Bucket::Logs, &key, "/log/sha256", stored).await?;
            is_there.then(|| (key, stored.clone()))
        }
        None => None,
    };
    let series = match &body.series {
        Some(stored) => {
            let key = key(run, token, SERIES_NAME);
            let is_there = is_stored(store, Bucket::Logs, &key, "/series/sha256", stored).await;
            // A report is not refused for its curves.
            is_there.unwrap_or(false).then(|| (key, stored.clone()))
        }
        None => None,
    };
    let failure = body.failure.map(|code| {
        let detail = body.failure_detail.as_deref().unwrap_or_default();
        (code, text(detail))
    });
    Ok(Outcome {
        failure,
        exit_code: body.exit_code.and_then(|code| i32::try_from(code).ok()),
        wall_ms: body.wall_ms.and_then(|ms| i64::try_from(ms).ok()),
        gpu_area_mib_s: body.gpu_area_mib_s,
        gpu_baseline_mib: body.gpu_baseline_mib,
        gpu_total_mib: body.gpu_total_mib,
        peak_memory_bytes: body.peak_memory_bytes.and_then(|n| i64::try_from(n).ok()),
        kernel_peak_memory_bytes: body
            .kernel_peak_memory_bytes
            .and_then(|n| i64::try_from(n).ok()),
        gpu_peak_mib: body.gpu_peak_mib,
        memory_area_mib_s: body.memory_area_mib_s,
        cpu_core_s: body.cpu_core_s,
        device: body.device.clone(),
        output,
        log,
        series,
        notes: body
            .notes
            .iter()
            .take(NOTES)
            .map(|note| text(note))
            .collect(),
    })
}

async fn is_stored(
    store: &Store,
    bucket: Bucket,
    key: &str,
    pointer: &str,
    stored: &Stored,
) -> Result<bool, ApiError> {
    let sha256 = sha256(pointer, &stored.sha256)?;
    match store.head(bucket, key).await {
        // A store that does not tell the SHA-256 has checked it all the same: the URL was signed with it.
        Ok(head) => Ok(head.size == stored.size_bytes && head.sha256.is_none_or(|is| is == sha256)),
        Err(molar_objects::Error::NotFound) => Ok(false),
        Err(error) => Err(Error::from(error).into()),
    }
}

/// PostgreSQL takes no NUL, and a worker's words are not more than a hint.
fn text(words: &str) -> String {
    words
        .chars()
        .filter(|c| *c != '\0')
        .take(TEXT_CHARS)
        .collect()
}

/// The row, what follows for the attempt, and the announcements, in one transaction.
async fn end(
    db: &PgPool,
    run: &Run,
    inputs: &Inputs,
    outcome: &Outcome,
    now: DateTime<Utc>,
) -> Result<Vec<Stop>> {
    let mut tx = db.begin().await?;
    let attempt = attempts::lock(&mut tx, run.attempt_id).await?;
    let locked = case_runs::lock(&mut tx, run.id).await?;
    // The fence: what was looked at without a lock must still be so.
    if locked.state != CaseRunState::Running || locked.lease_token != run.lease_token {
        tx.rollback().await?;
        return Err(Error::Stale);
    }
    case_runs::end(&mut tx, &locked, outcome, now).await?;
    if outcome.log.is_some() {
        logs::forget_pieces(&mut *tx, locked.id).await?;
    }
    let phase = Some(attempt.phase_id.0);
    outbox::announce(&mut tx, now, keys::CASE_RUN_FINISHED, run.id.0, phase).await?;

    let is_first = locked.is_first && !attempt.has_passed_canary;
    let stops = match &outcome.failure {
        Some((code, detail)) if is_first => {
            // A hidden case has no name for teams, and what a container made of it is not told.
            let detail = match locked.kind {
                CaseRunKind::Canary => format!("{code} on {}: {detail}", inputs.case_name),
                CaseRunKind::Case => format!("{code} on the first case"),
            };
            let detail = detail.trim_end_matches(": ");
            life::fail(&mut tx, &attempt, FailureCode::CanaryFailed, detail, now).await?
        }
        failure => {
            if is_first && failure.is_none() {
                attempts::pass_canary(&mut tx, &attempt, now).await?;
                let id = attempt.id.0;
                outbox::announce(&mut tx, now, keys::CANARY_PASSED, id, phase).await?;
            }
            life::finish_if_complete(&mut tx, &attempt, now).await?;
            Vec::new()
        }
    };
    tx.commit().await?;
    let failure = outcome.failure.as_ref().map(|(code, _)| code.as_str());
    tracing::info!(case_run.id = %run.id, attempt.id = %run.attempt_id, failure, "case run ended");
    Ok(stops)
}

#[cfg(test)]
mod tests {
    use molar_testkit::ChallengeBuilder;
    use sqlx::PgPool;

    use super::*;
    use crate::testing::{World, failed, report};

    use CaseRunState::{Cancelled, Failed, Finished, Waiting};

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn an_attempt_runs_from_its_canary_to_its_last_case(pool: PgPool) {
        let world = World::new(pool).await;
        world.run_one().await;
        assert_eq!(world.announced().await["canary.passed"], 1);
        world.run_one().await;
        assert_eq!(world.attempt().await.0, "running");

        // A failed case is final for that case and not for the attempt.
        let last = world.claim().await.unwrap();
        let late = failed(&last, FailureCode::TimedOut);
        assert_eq!(world.finish(&last, &late).await, 204);
        assert_eq!(world.runs().await, [Finished, Finished, Failed]);
        assert_eq!(world.attempt().await, ("finished".to_owned(), None));
        insta::assert_json_snapshot!(world.announced().await, @r#"
        {
          "attempt.finished": 1,
          "canary.passed": 1,
          "case_run.finished": 3
        }
        "#);
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_lost_worker_cannot_finish(pool: PgPool) {
        let world = World::new(pool).await;
        let lost = world.claim().await.unwrap();
        let late = world.predicted(&lost).await;
        world.pass(71).await;
        assert_eq!(world.sweep().await, 1);

        let path = format!("case-runs/{}/finish", lost.case_run_id);
        let (status, mut body) = world.call(&path, &late).await;
        assert_eq!(status, 409);
        if let Some(object) = body.as_object_mut() {
            object.remove("request_id");
        }
        insta::assert_json_snapshot!(body, @r#"
        {
          "code": "stale-lease",
          "detail": "this lease is not the current one: the case run was given to another, cancelled or ended",
          "status": 409,
          "title": "This does not fit the present state",
          "type": "/problems/conflict"
        }
        "#);
        assert_eq!(world.runs().await, [Waiting; 3]);

        // Its successor can, and the late one still cannot.
        world.pass(15).await;
        let next = world.run_one().await;
        assert_eq!(next.case_run_id, lost.case_run_id);
        assert_eq!(world.finish(&lost, &late).await, 409);
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn finishing_twice_changes_nothing_the_second_time(pool: PgPool) {
        let world = World::new(pool).await;
        let grant = world.claim().await.unwrap();
        let report = world.predicted(&grant).await;
        let (one, two) = tokio::join!(world.finish(&grant, &report), world.finish(&grant, &report));
        assert_eq!((one.as_u16(), two.as_u16()), (204, 204));
        assert_eq!(
            world
                .finish(&grant, &failed(&grant, FailureCode::Silent))
                .await,
            204
        );
        assert_eq!(world.runs().await[0], Finished);
        assert_eq!(world.announced().await["case_run.finished"], 1);

        let forged = Finish {
            lease_token: Uuid::new_v4(),
            ..report
        };
        assert_eq!(world.finish(&grant, &forged).await, 409);
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_prediction_that_does_not_lie_in_the_store_is_not_taken(pool: PgPool) {
        let world = World::new(pool).await;
        let grant = world.claim().await.unwrap();
        let path = format!("case-runs/{}/finish", grant.case_run_id);
        let (status, body) = world.call(&path, report(&grant)).await;
        assert_eq!(
            (status.as_u16(), &body["errors"][0]["pointer"]),
            (422, &"/output".into())
        );

        let stored = Stored {
            size_bytes: 4,
            sha256: "00".repeat(32),
        };
        let missing = Finish {
            output: Some(stored.clone()),
            ..report(&grant)
        };
        assert_eq!(world.finish(&grant, &missing).await, 422);
        let good = world.predicted(&grant).await;
        let other = Finish {
            output: Some(stored),
            ..good.clone()
        };
        assert_eq!(world.finish(&grant, &other).await, 422);
        assert_eq!(
            world
                .finish(&grant, &failed(&grant, FailureCode::Internal))
                .await,
            422
        );
        assert_eq!(world.finish(&grant, &good).await, 204);
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_failed_canary_ends_the_attempt_before_any_hidden_case(pool: PgPool) {
        let world = World::new(pool).await;
        let grant = world.claim().await.unwrap();
        assert_eq!(
            world
                .finish(&grant, &failed(&grant, FailureCode::TimedOut))
                .await,
            204
        );
        assert_eq!(world.runs().await, [Failed, Cancelled, Cancelled]);
        let (state, failure) = world.attempt().await;
        assert_eq!(
            (state.as_str(), failure.as_deref()),
            ("failed", Some("canary-failed"))
        );
        let detail = sqlx::query_scalar!("SELECT failure_detail FROM execution.attempts")
            .fetch_one(&world.pool)
            .await
            .unwrap();
        assert_eq!(
            detail.unwrap(),
            "timed-out on Canary_01: the limit is 300 s"
        );
        assert!(world.claim().await.is_none());
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn without_a_canary_the_first_case_is_tried_alone(pool: PgPool) {
        let world = World::of(pool, ChallengeBuilder::new("teeth")).await;
        assert_eq!(world.dispatch().await, 1);
        world.run_one().await;
        assert_eq!(world.announced().await["canary.passed"], 1);
        world.run_one().await;
        assert_eq!(world.attempt().await.0, "finished");
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn what_a_container_says_of_a_hidden_case_is_not_told(pool: PgPool) {
        let world = World::of(pool, ChallengeBuilder::new("teeth")).await;
        let grant = world.claim().await.unwrap();
        let told = failed(&grant, FailureCode::NoPrediction);
        assert_eq!(world.finish(&grant, &told).await, 204);
        let detail = sqlx::query_scalar!("SELECT failure_detail FROM execution.attempts");
        let detail = detail.fetch_one(&world.pool).await.unwrap();
        assert_eq!(detail.unwrap(), "no-prediction on the first case");
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn of_a_cancel_and_a_finish_at_once_one_comes_first(pool: PgPool) {
        let world = World::new(pool).await;
        let grant = world.claim().await.unwrap();
        let report = world.predicted(&grant).await;
        world.cancel().await;
        let (status, ()) = tokio::join!(world.finish(&grant, &report), world.reconcile());
        let expected = if status == 204 { Finished } else { Cancelled };
        assert_eq!(world.runs().await, [expected, Cancelled, Cancelled]);
        assert_eq!(world.attempt().await.0, "cancelled");
        assert_eq!(world.announced().await["attempt.finished"], 1);
    }
}
