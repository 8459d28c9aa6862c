//! `GET /api/v1/tokens`

use actix_web::web;
use molar_web_kit::{ApiError, Caller, Kit, Page};

use super::rows::{self, TokenView};

/// Your tokens of the API, the newest first.
#[utoipa::path(
    get,
    path = "/api/v1/tokens",
    tag = "account",
    responses((status = OK, body = Page<TokenView>))
)]
#[tracing::instrument(name = "tokens.list", skip_all)]
pub async fn list(
    kit: web::Data<Kit>,
    caller: Caller,
) -> Result<web::Json<Page<TokenView>>, ApiError> {
    let items = rows::list(&kit.db, caller.user_id, kit.clock.now()).await?;
    Ok(web::Json(Page { items, next: None }))
}
