//! `DELETE /api/v1/sessions`

use actix_web::{HttpResponse, web};
use molar_web_kit::caller::ended_session_cookie;
use molar_web_kit::{ApiError, Caller, Kit};

use crate::tokens::rows;

/// Signs you out everywhere, here included. Tokens of the API go on.
#[utoipa::path(
    delete,
    path = "/api/v1/sessions",
    tag = "account",
    responses((status = NO_CONTENT))
)]
#[tracing::instrument(name = "sessions.end_all", skip_all)]
pub async fn end_all(kit: web::Data<Kit>, caller: Caller) -> Result<HttpResponse, ApiError> {
    rows::revoke_sessions(&kit.db, caller.user_id, None, kit.clock.now()).await?;
    Ok(HttpResponse::NoContent()
        .cookie(ended_session_cookie(&kit))
        .finish())
}
