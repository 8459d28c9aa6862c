//! `POST /api/v1/submissions/{id}/rerun`

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use chrono::{DateTime, Utc};
use molar_domain::SubmissionId;
use molar_domain::submission::SubmissionState;
use molar_objects::{Bucket, Store};
use molar_service::{audit, db};
use molar_web_kit::{ApiError, Begun, Caller, Complaints, Kit, Once};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::rows::{self, Ended};
use crate::Error;
use crate::attempts::create::{self, Rerun};
use crate::state::State;

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateRerun {
    /// Why it is run again. Its team is told, and it is kept in the audit log.
    #[schema(min_length = 1, max_length = 1000)]
    pub reason: String,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Rerun)]
pub struct RerunView {
    pub submission_id: Uuid,
    pub attempt_id: Uuid,
    /// Of the attempt.
    pub number: i32,
    /// How many containers will run, that of the trial case included.
    pub runs: usize,
    pub reason: String,
}

/// Runs a container again that has ended, whichever way: a new attempt over all cases, behind what participants
/// hand in, at no cost to its team. An earlier score counts until the new one is there.
#[utoipa::path(post, path = "/api/v1/submissions/{id}/rerun", tag = "execution", params(("id" = Uuid, Path)),
    request_body = CreateRerun, responses((status = 201, body = RerunView)))]
#[tracing::instrument(name = "submissions.rerun", skip_all, fields(submission.id = %id))]
pub async fn create(
    kit: web::Data<Kit>,
    state: web::Data<State>,
    caller: Caller,
    id: web::Path<Uuid>,
    once: Once,
    body: web::Json<CreateRerun>,
) -> Result<HttpResponse, ApiError> {
    let now = kit.clock.now();
    let mut tx = kit.db.begin().await?;
    let once = match once.begin(&mut tx).await? {
        Begun::Replay(answer) => return Ok(answer),
        Begun::Fresh(once) => once,
    };
    let view = run_again(&mut tx, &state.store, &caller, *id, &body.reason, now).await?;
    let location = format!("/api/v1/submissions/{id}");
    let answer = once
        .finish(&mut tx, StatusCode::CREATED, Some(location), &view)
        .await?;
    tx.commit().await?;
    state.dispatch.notify_one();
    Ok(answer)
}

/// Writes the attempt with its runs and its line in the audit log. The caller commits and rings the dispatcher.
pub async fn run_again(
    tx: &mut PgConnection,
    store: &Store,
    caller: &Caller,
    id: Uuid,
    reason: &str,
    now: DateTime<Utc>,
) -> Result<RerunView, ApiError> {
    let reason = checked(reason)?;
    let seen = see(tx, caller, id).await?;
    db::lock_phase(tx, seen.phase_id).await?;
    rows::lock(tx, id).await?;
    let ended = see(tx, caller, id).await?;
    may_run_again(&ended)?;
    require_image(store, &ended).await?;
    let rerun = Rerun {
        number: ended.next_number()?,
        by: caller.user_id,
        reason: &reason,
    };
    let made = create::again(tx, SubmissionId(id), &rerun, now).await?;
    let (attempt, runs) = made.ok_or_else(|| {
        ApiError::conflict("somebody else has it run again at this moment; look at its page")
            .with_code("in-flight")
    })?;
    let details = json!({
        "attempt_id": attempt, "number": rerun.number, "phase_id": ended.phase_id, "team_id": ended.team_id,
        "from": ended.state, "failure": ended.failure, "to": "queued",
    });
    let actor = Some(caller.user_id);
    audit::append(
        tx,
        now,
        actor,
        "submission.rerun",
        id,
        details,
        Some(&reason),
    )
    .await?;
    tracing::info!(attempt.id = %attempt, runs, "run again by an organizer");
    Ok(RerunView {
        submission_id: id,
        attempt_id: attempt.0,
        number: rerun.number,
        runs,
        reason,
    })
}

/// A submission that the caller organizes; to who may not know of it, it does not exist.
pub async fn see(tx: &mut PgConnection, caller: &Caller, id: Uuid) -> Result<Ended, ApiError> {
    let none = || ApiError::NotFound("submission");
    let ended = rows::find(tx, id).await?.ok_or_else(none)?;
    let is_known = caller.may_review(ended.challenge_id) || caller.is_member(ended.team_id.into());
    if !is_known {
        return Err(none());
    }
    caller.require_organizer(ended.challenge_id)?;
    Ok(ended)
}

fn checked(reason: &str) -> Result<String, ApiError> {
    let mut complaints = Complaints::new();
    let reason = complaints.text("/reason", reason, 1..=1000);
    complaints.finish()?;
    Ok(reason)
}

/// Or says why that makes no sense, and what does.
pub fn may_run_again(of: &Ended) -> Result<(), ApiError> {
    let no = |code, detail: String| Err(ApiError::conflict(detail).with_code(code));
    if of.is_predictions {
        return no(
            "no-run",
            "predictions are not run, they are measured; to measure them again, prepare a re-scoring of the phase \
             under /organize/rescorings"
                .to_owned(),
        );
    }
    if of.is_trial {
        return no(
            "trial",
            "a trial is ranked nowhere and costs nothing; its team can hand it in again".to_owned(),
        );
    }
    if of.is_withdrawn {
        return no(
            "withdrawn",
            "its team withdrew it, for good; a run would change nothing".to_owned(),
        );
    }
    match of.state {
        SubmissionState::Scored | SubmissionState::Failed => {}
        SubmissionState::Cancelled | SubmissionState::Expired | SubmissionState::Refused => {
            return no(
                "never-run",
                format!("it is {}; its team has to hand it in again", of.state),
            );
        }
        SubmissionState::Uploading
        | SubmissionState::Checking
        | SubmissionState::Queued
        | SubmissionState::Running
        | SubmissionState::Scoring
        | SubmissionState::Tried => {
            return no(
                "in-flight",
                format!(
                    "it is {}; only what has ended can be run again. Its page says how far it is",
                    of.state
                ),
            );
        }
    }
    if of.is_unsettled {
        return no(
            "in-flight",
            "it has ended this moment, and its quota is being settled; try again in some seconds"
                .to_owned(),
        );
    }
    if of.is_removed {
        return no(
            "files-removed",
            "its files are gone, or about to go, under the retention of its phase; there is nothing to run"
                .to_owned(),
        );
    }
    if of.cases == 0 {
        return no(
            "phase-without-cases",
            "the phase has no cases any more to run it on; see the data of the challenge under \
             /organize/challenges"
                .to_owned(),
        );
    }
    Ok(())
}

/// Its layers, or the archive that they would be taken from.
async fn require_image(store: &Store, of: &Ended) -> Result<(), ApiError> {
    if of.has_image {
        return Ok(());
    }
    let gone = || {
        ApiError::conflict("its image is not kept any more; its team has to hand it in again")
            .with_code("image-gone")
    };
    let key = of.object_key.as_deref().ok_or_else(gone)?;
    match store.head(Bucket::Uploads, key).await {
        Ok(_) => Ok(()),
        Err(molar_objects::Error::NotFound) => Err(gone()),
        Err(error) => Err(Error::from(error).into()),
    }
}
