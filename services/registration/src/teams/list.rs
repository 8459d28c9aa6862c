//! `GET /api/v1/teams`

use actix_web::web;
use molar_web_kit::{ApiError, Caller, Kit, Page};

use super::{TeamView, rows};

/// Your teams.
#[utoipa::path(
    get,
    path = "/api/v1/teams",
    tag = "teams",
    responses((status = OK, body = Page<TeamView>))
)]
#[tracing::instrument(name = "teams.list", skip_all)]
pub async fn list(
    kit: web::Data<Kit>,
    caller: Caller,
) -> Result<web::Json<Page<TeamView>>, ApiError> {
    let items = rows::list(&kit.db, &caller.teams).await?;
    Ok(web::Json(Page { items, next: None }))
}
