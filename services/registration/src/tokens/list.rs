//! `GET /api/v1/tokens`

use actix_web::web;
use chrono::{DateTime, Utc};
use molar_web_kit::{ApiError, Caller, Kit, Page, Scope};
use serde::Serialize;
use uuid::Uuid;

use super::rows;

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct TokenView {
    pub id: Uuid,
    pub name: String,
    pub scopes: Vec<Scope>,
    pub created_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    /// To the minute.
    pub last_used_at: Option<DateTime<Utc>>,
}

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
