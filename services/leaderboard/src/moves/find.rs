//! `GET /api/v1/rescorings/{id}/moves`

use actix_web::web;
use molar_domain::RescoringId;
use molar_web_kit::{ApiError, Caller, Kit};

use super::{Moves, see};

/// Who moves and why, if the re-scoring is published: for its organizers and reviewers.
#[utoipa::path(get, path = "/api/v1/rescorings/{id}/moves", tag = "leaderboard",
    params(("id" = uuid::Uuid, Path)),
    responses((status = 200, body = Moves)))]
#[tracing::instrument(name = "moves.find", skip_all, fields(rescoring.id = %id))]
pub async fn find(
    kit: web::Data<Kit>,
    id: web::Path<RescoringId>,
    caller: Caller,
) -> Result<web::Json<Moves>, ApiError> {
    Ok(web::Json(see(&kit.db, *id, &caller).await?))
}
