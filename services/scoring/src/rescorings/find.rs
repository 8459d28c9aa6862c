//! `GET /api/v1/rescorings/{id}`

use actix_web::web;
use molar_domain::RescoringId;
use molar_web_kit::{ApiError, Caller, Kit};
use sqlx::PgPool;

use super::RescoringView;
use super::rows::{self, Rescoring};
use crate::error::{Error, Result};

/// A re-scoring and how far it is.
#[utoipa::path(get, path = "/api/v1/rescorings/{id}", tag = "scoring", params(("id" = uuid::Uuid, Path)),
    responses((status = 200, body = RescoringView)))]
#[tracing::instrument(name = "rescorings.find", skip_all, fields(rescoring.id = %id))]
pub async fn find(
    kit: web::Data<Kit>,
    id: web::Path<RescoringId>,
    caller: Caller,
) -> Result<web::Json<RescoringView>, ApiError> {
    let row = seen(&kit.db, &caller, *id).await?;
    Ok(web::Json(RescoringView::of(&kit.db, row).await?))
}

/// To whoever may not see it there is none.
pub async fn seen(db: &PgPool, caller: &Caller, id: RescoringId) -> Result<Rescoring> {
    let row = rows::find(db, id.0).await?;
    match caller.may_review(row.challenge_id) {
        true => Ok(row),
        false => Err(Error::NotFound("re-scoring")),
    }
}
