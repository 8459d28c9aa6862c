//! `GET /api/v1/boards/{phase_id}`

use actix_web::{HttpRequest, HttpResponse, web};
use molar_domain::PhaseId;
use molar_web_kit::{ApiError, Caller, Kit};
use uuid::Uuid;

use super::see::{Asked, see};
use super::view::Board;
use crate::kept::{Asking, JSON, Which};

/// A phase's board: ranks, values and how they were made.
///
/// 404 where no ranking stood at the moment that is asked for, and for a baseline that there is not.
#[utoipa::path(get, path = "/api/v1/boards/{phase_id}", tag = "leaderboard",
    params(("phase_id" = Uuid, Path), Asked),
    responses((status = 200, body = Board), (status = 304)))]
#[tracing::instrument(name = "boards.find", skip_all, fields(phase.id = %phase_id))]
pub async fn find(
    kit: web::Data<Kit>,
    phase_id: web::Path<Uuid>,
    asked: web::Query<Asked>,
    request: HttpRequest,
    caller: Option<Caller>,
) -> Result<HttpResponse, ApiError> {
    let asking = Asking {
        kit: &kit,
        request: &request,
        caller: caller.as_ref(),
        which: Which::Id(PhaseId(*phase_id)),
        form: JSON,
    };
    let make = async |phase| {
        let board = see(&kit, &phase, caller.as_ref(), &asked).await?;
        Ok(HttpResponse::Ok().json(board))
    };
    asking.answer(make).await
}
