//! `POST /api/v1/rescorings/{id}/compute`

use actix_web::web;
use molar_domain::RescoringId;
use molar_domain::rescoring::Event;
use molar_service::{audit, db};
use molar_web_kit::{ApiError, Caller, Kit};
use serde_json::json;

use super::RescoringView;
use super::create::require_kept;
use super::find::seen;
use super::rows::{self, Rescoring};
use crate::error::Result;

/// Begins to measure beside what counts. The board stays as it is.
#[utoipa::path(post, path = "/api/v1/rescorings/{id}/compute", tag = "scoring", params(("id" = uuid::Uuid, Path)),
    responses((status = 200, body = RescoringView)))]
#[tracing::instrument(name = "rescorings.compute", skip_all, fields(rescoring.id = %id))]
pub async fn compute(
    kit: web::Data<Kit>,
    id: web::Path<RescoringId>,
    caller: Caller,
) -> Result<web::Json<RescoringView>, ApiError> {
    let row = take(&kit, &caller, *id).await?;
    Ok(web::Json(RescoringView::of(&kit.db, row).await?))
}

pub async fn take(kit: &Kit, caller: &Caller, id: RescoringId) -> Result<Rescoring> {
    let now = kit.clock.now();
    let row = seen(&kit.db, caller, id).await?;
    caller.require_organizer(row.challenge_id)?;
    let mut tx = kit.db.begin().await?;
    db::lock_phase(&mut tx, row.phase_id).await?;
    require_kept(&mut tx, row.phase_id).await?;
    rows::step(&mut tx, &row, Event::Compute, None, now).await?;
    let details = json!({"phase_id": row.phase_id});
    let actor = Some(caller.user_id);
    let action = "rescoring.started";
    audit::append(&mut tx, now, actor, action, row.id, details, None).await?;
    tx.commit().await?;
    rows::find(&kit.db, row.id).await
}
