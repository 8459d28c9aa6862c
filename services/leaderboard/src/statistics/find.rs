//! `GET /api/v1/boards/{phase_id}/statistics`

use actix_web::{HttpRequest, HttpResponse, web};
use molar_domain::PhaseId;
use molar_web_kit::{ApiError, Caller, Kit};
use uuid::Uuid;

use super::view::{Statistics, see};
use crate::kept::{Asking, STATISTICS, Which};

/// How sure the ranks of a phase are: intervals, ranks by other schemes, significance, agreement.
///
/// Made at most once a minute; `version` and `as_of` say from what and when.
#[utoipa::path(get, path = "/api/v1/boards/{phase_id}/statistics", tag = "leaderboard",
    params(("phase_id" = Uuid, Path)),
    responses((status = 200, body = Statistics), (status = 304)))]
#[tracing::instrument(name = "statistics.find", skip_all, fields(phase.id = %phase_id))]
pub async fn find(
    kit: web::Data<Kit>,
    phase_id: web::Path<Uuid>,
    request: HttpRequest,
    caller: Option<Caller>,
) -> Result<HttpResponse, ApiError> {
    let asking = Asking {
        kit: &kit,
        request: &request,
        caller: caller.as_ref(),
        which: Which::Id(PhaseId(*phase_id)),
        form: STATISTICS,
    };
    let make = async |phase| {
        let seen = see(&kit, &phase, caller.as_ref()).await?;
        Ok(HttpResponse::Ok().json(seen))
    };
    asking.answer(make).await
}
