//! `DELETE /api/v1/sessions/{id}`

use actix_web::{HttpResponse, web};
use molar_web_kit::{ApiError, Caller, Kit};
use uuid::Uuid;

use crate::tokens::rows;

/// Ends one of your sessions, wherever it is.
#[utoipa::path(
    delete,
    path = "/api/v1/sessions/{id}",
    tag = "account",
    params(("id" = Uuid, Path)),
    responses((status = NO_CONTENT))
)]
#[tracing::instrument(name = "sessions.end_one", skip_all)]
pub async fn end_one(
    kit: web::Data<Kit>,
    caller: Caller,
    id: web::Path<Uuid>,
) -> Result<HttpResponse, ApiError> {
    rows::revoke(&kit.db, *id, caller.user_id, kit.clock.now()).await?;
    Ok(HttpResponse::NoContent().finish())
}
