//! `GET /api/v1/boards/imported/{id}`

use actix_web::{HttpRequest, HttpResponse, web};
use molar_web_kit::{ApiError, Caller, Kit};
use uuid::Uuid;

use super::rows::{self, Asked};
use super::view::ImportedBoard;
use crate::kept::tagged;

/// An imported board: values, ranks that were made of them here, and where others were published.
#[utoipa::path(get, path = "/api/v1/boards/imported/{id}", tag = "leaderboard", params(("id" = Uuid, Path)),
    responses((status = 200, body = ImportedBoard), (status = 304)))]
#[tracing::instrument(name = "imports.find", skip_all)]
pub async fn find(
    kit: web::Data<Kit>,
    request: HttpRequest,
    caller: Option<Caller>,
    id: web::Path<Uuid>,
) -> Result<HttpResponse, ApiError> {
    let (import, ranked) = rows::read(&kit.db, Asked::by(*id)).await?;
    let board = ImportedBoard::of(import, &ranked);
    tagged(&request, HttpResponse::Ok().json(board), caller.is_some())
}
