//! `POST /api/v1/case-runs/{id}/log/release`

use actix_web::{HttpResponse, web};
use molar_service::audit;
use molar_web_kit::{ApiError, Caller, Kit, layout};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::access;
use crate::rows::logs;

const REASON_CHARS: usize = 1000;

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = LogRelease)]
pub struct Release {
    /// Why this team may read what its container wrote on a hidden case. The team is told, and it is kept in the
    /// audit log.
    #[schema(max_length = 1000)]
    reason: String,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = LogReleased)]
pub struct Released {
    case_run_id: Uuid,
    reason: String,
}

/// Shows the log of one hidden case to its team, for good. Doing so twice changes nothing.
#[utoipa::path(post, path = "/api/v1/case-runs/{id}/log/release", tag = "execution", params(("id" = Uuid, Path)),
    request_body = Release, responses((status = 200, body = Released)))]
#[tracing::instrument(name = "case_runs.release_log", skip_all, fields(case_run.id = %*id))]
pub async fn release(
    kit: web::Data<Kit>,
    caller: Caller,
    id: web::Path<Uuid>,
    body: web::Json<Release>,
) -> Result<web::Json<Released>, ApiError> {
    Ok(web::Json(
        release_one(&kit, &caller, *id, &body.reason).await?,
    ))
}

#[derive(Debug, Deserialize)]
pub struct Form {
    reason: String,
}

/// The button of the log's page.
#[tracing::instrument(name = "pages.log.release", skip_all, fields(case_run.id = %*id))]
pub async fn form(
    kit: web::Data<Kit>,
    caller: Caller,
    id: web::Path<Uuid>,
    form: web::Form<Form>,
) -> Result<HttpResponse, ApiError> {
    release_one(&kit, &caller, *id, &form.reason).await?;
    Ok(layout::see_other(&format!("/case-runs/{id}/log")))
}

async fn release_one(
    kit: &Kit,
    caller: &Caller,
    id: Uuid,
    reason: &str,
) -> Result<Released, ApiError> {
    let log = access::see(&kit.db, caller, id).await?;
    caller.require_organizer(log.challenge)?;
    let reason = reason.trim();
    if reason.is_empty() || reason.chars().count() > REASON_CHARS || reason.contains('\0') {
        let detail = "say in 1 to 1000 characters why the team may read this log";
        return Err(ApiError::invalid("/reason", detail));
    }
    if log.is_public {
        return Err(ApiError::conflict(
            "the team reads the log of its public case anyway",
        ));
    }
    if log.key.is_none() {
        return Err(ApiError::conflict(
            "there is no log of this case run to release",
        ));
    }
    let now = kit.clock.now();
    let mut tx = kit.db.begin().await?;
    let kept = match logs::release(&mut *tx, id, caller.user_id, reason, now).await? {
        true => {
            let details = json!({
                "submission_id": log.submission, "team_id": log.team,
                "from": "kept from the team", "to": "released to the team",
            });
            let actor = Some(caller.user_id);
            audit::append(
                &mut tx,
                now,
                actor,
                "log.released",
                id,
                details,
                Some(reason),
            )
            .await?;
            reason.to_owned()
        }
        false => log.release_reason.unwrap_or_default(),
    };
    tx.commit().await?;
    Ok(Released {
        case_run_id: id,
        reason: kept,
    })
}
