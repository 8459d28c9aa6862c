//! `GET /api/v1/boards/{phase_id}/statistics`

use actix_web::web;
use molar_domain::PhaseId;
use molar_web_kit::{ApiError, Caller, Kit};
use uuid::Uuid;

use super::view::{Statistics, see};
use crate::rows::phases;

/// How sure the ranks of a phase are: intervals, ranks by other schemes, significance, agreement.
///
/// Made at most once a minute; `version` and `as_of` say from what and when.
#[utoipa::path(get, path = "/api/v1/boards/{phase_id}/statistics", tag = "leaderboard",
    params(("phase_id" = Uuid, Path)),
    responses((status = 200, body = Statistics)))]
#[tracing::instrument(name = "statistics.find", skip_all, fields(phase.id = %phase_id))]
pub async fn find(
    kit: web::Data<Kit>,
    phase_id: web::Path<Uuid>,
    caller: Option<Caller>,
) -> Result<web::Json<Statistics>, ApiError> {
    let phase = phases::find(&kit.db, PhaseId(*phase_id)).await?;
    let seen = see(&kit, &phase, caller.as_ref()).await?;
    Ok(web::Json(seen))
}
