//! `GET /api/v1/agreements`

use actix_web::web;
use molar_web_kit::{ApiError, Caller, Kit, Page};

use super::rows::{self, AgreementView};

/// What you signed, the last first.
#[utoipa::path(
    get,
    path = "/api/v1/agreements",
    tag = "agreements",
    responses((status = OK, body = Page<AgreementView>))
)]
#[tracing::instrument(name = "agreements.list", skip_all)]
pub async fn list(
    kit: web::Data<Kit>,
    caller: Caller,
) -> Result<web::Json<Page<AgreementView>>, ApiError> {
    let items = rows::list(&kit.db, caller.user_id).await?;
    Ok(web::Json(Page { items, next: None }))
}
