//! `DELETE /api/v1/tokens/{id}`

use actix_web::{HttpResponse, web};
use molar_web_kit::{ApiError, Caller, Kit};
use uuid::Uuid;

use super::rows;

/// Revokes a token of yours; it stops working at once.
#[utoipa::path(
    delete,
    path = "/api/v1/tokens/{id}",
    tag = "account",
    params(("id" = Uuid, Path)),
    responses((status = NO_CONTENT))
)]
#[tracing::instrument(name = "tokens.revoke", skip_all)]
pub async fn revoke(
    kit: web::Data<Kit>,
    caller: Caller,
    id: web::Path<Uuid>,
) -> Result<HttpResponse, ApiError> {
    rows::revoke(&kit.db, *id, caller.user_id, kit.clock.now()).await?;
    Ok(HttpResponse::NoContent().finish())
}
