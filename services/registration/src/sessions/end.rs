//! `DELETE /api/v1/sessions/current`

use actix_web::{HttpResponse, web};
use molar_web_kit::caller::ended_session_cookie;
use molar_web_kit::{ApiError, Caller, Kit};

use crate::tokens;

/// Ends the session, or revokes the token, that the request shows.
#[utoipa::path(
    delete,
    path = "/api/v1/sessions/current",
    tag = "account",
    responses((status = NO_CONTENT))
)]
#[tracing::instrument(name = "sessions.end", skip_all)]
pub async fn end(kit: web::Data<Kit>, caller: Caller) -> Result<HttpResponse, ApiError> {
    let now = kit.clock.now();
    tokens::rows::revoke(&kit.db, caller.token_id, caller.user_id, now).await?;
    Ok(HttpResponse::NoContent()
        .cookie(ended_session_cookie(&kit))
        .finish())
}
