//! `GET /api/v1/splits/{id}/corrections`

use actix_web::web;
use molar_domain::SplitId;
use molar_web_kit::{ApiError, Caller, Kit};
use serde::Serialize;
use sqlx::PgPool;
use uuid::Uuid;

use super::{CorrectionView, rows};
use crate::cases::splits;

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Corrections {
    pub items: Vec<CorrectionView>,
}

/// The corrections of a split's references, newest first.
#[utoipa::path(
    get,
    path = "/api/v1/splits/{id}/corrections",
    tag = "corrections",
    params(("id" = Uuid, Path)),
    responses((status = OK, body = Corrections))
)]
#[tracing::instrument(name = "corrections.list", skip_all)]
pub async fn list(
    kit: web::Data<Kit>,
    caller: Caller,
    id: web::Path<SplitId>,
) -> Result<web::Json<Corrections>, ApiError> {
    let split = splits::find(&kit.db, *id).await?;
    if !caller.may_review(split.challenge_id()) {
        return Err(ApiError::NotFound("split"));
    }
    let items = of_split(&kit.db, split.id).await?;
    Ok(web::Json(Corrections { items }))
}

pub async fn of_split(db: &PgPool, split: Uuid) -> sqlx::Result<Vec<CorrectionView>> {
    let mut items = Vec::new();
    for row in rows::list(db, None, Some(split)).await? {
        items.push(CorrectionView::of(db, row).await?);
    }
    Ok(items)
}
