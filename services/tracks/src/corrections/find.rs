//! `GET /api/v1/corrections/{id}`

use actix_web::web;
use molar_domain::{ChallengeId, ReferenceSetId};
use molar_web_kit::{ApiError, Caller, Kit};
use sqlx::PgExecutor;

use super::CorrectionView;
use super::rows::{self, Correction};
use crate::Error;

/// A correction, with what was found wrong with each of its references.
#[utoipa::path(
    get,
    path = "/api/v1/corrections/{id}",
    tag = "corrections",
    params(("id" = Uuid, Path)),
    responses((status = OK, body = CorrectionView))
)]
#[tracing::instrument(name = "corrections.find", skip_all)]
pub async fn find(
    kit: web::Data<Kit>,
    caller: Caller,
    id: web::Path<ReferenceSetId>,
) -> Result<web::Json<CorrectionView>, ApiError> {
    let found = row(&kit.db, *id).await?;
    if !caller.may_review(ChallengeId(found.challenge_id)) {
        return Err(ApiError::NotFound("correction"));
    }
    Ok(web::Json(CorrectionView::of(&kit.db, found).await?))
}

pub async fn row(db: impl PgExecutor<'_>, id: ReferenceSetId) -> Result<Correction, Error> {
    let mut found = rows::list(db, Some(id.0), None).await?;
    found.pop().ok_or(Error::NotFound("correction"))
}
