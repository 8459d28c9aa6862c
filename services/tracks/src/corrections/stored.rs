//! `POST /api/v1/corrections/{id}/stored`

use actix_web::web;
use molar_contracts::keys;
use molar_domain::{ChallengeId, ReferenceSetId};
use molar_service::outbox;
use molar_web_kit::{ApiError, Caller, Kit};

use super::{CorrectionView, find, rows};
use crate::cases::splits;

/// Says that the corrected references were put; the scorer, who alone can see them, reads them next. Doing so
/// twice changes nothing.
#[utoipa::path(
    post,
    path = "/api/v1/corrections/{id}/stored",
    tag = "corrections",
    params(("id" = Uuid, Path)),
    responses((status = OK, body = CorrectionView))
)]
#[tracing::instrument(name = "corrections.stored", skip_all)]
pub async fn stored(
    kit: web::Data<Kit>,
    caller: Caller,
    id: web::Path<ReferenceSetId>,
) -> Result<web::Json<CorrectionView>, ApiError> {
    let now = kit.clock.now();
    let mut tx = kit.db.begin().await?;
    let seen = find::row(&mut *tx, *id).await?;
    caller.require_organizer(ChallengeId(seen.challenge_id))?;
    splits::lock(&mut tx, seen.split_id).await?;
    for reference in rows::mark_stored(&mut tx, seen.id, now).await? {
        outbox::announce(&mut tx, now, keys::REFERENCE_STORED, reference, None).await?;
    }
    tx.commit().await?;
    let found = find::row(&kit.db, *id).await?;
    Ok(web::Json(CorrectionView::of(&kit.db, found).await?))
}
