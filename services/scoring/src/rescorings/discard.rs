//! `POST /api/v1/rescorings/{id}/drop`

use actix_web::web;
use molar_domain::RescoringId;
use molar_domain::consent::Act;
use molar_domain::rescoring::Event;
use molar_service::{audit, consent, db};
use molar_web_kit::{ApiError, Caller, Complaints, Kit};
use serde::Deserialize;
use serde_json::json;

use super::RescoringView;
use super::find::seen;
use super::rows::{self, Rescoring};
use crate::error::Result;

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DropRescoring {
    #[schema(min_length = 1, max_length = 1000)]
    pub reason: String,
}

/// Ends a re-scoring without effect. What it measured stays on record and never counts.
#[utoipa::path(post, path = "/api/v1/rescorings/{id}/drop", tag = "scoring", params(("id" = uuid::Uuid, Path)),
    responses((status = 200, body = RescoringView)))]
#[tracing::instrument(name = "rescorings.drop", skip_all, fields(rescoring.id = %id))]
pub async fn discard(
    kit: web::Data<Kit>,
    id: web::Path<RescoringId>,
    caller: Caller,
    body: web::Json<DropRescoring>,
) -> Result<web::Json<RescoringView>, ApiError> {
    let row = take(&kit, &caller, *id, &body).await?;
    Ok(web::Json(RescoringView::of(&kit.db, row).await?))
}

pub async fn take(
    kit: &Kit,
    caller: &Caller,
    id: RescoringId,
    body: &DropRescoring,
) -> Result<Rescoring> {
    let now = kit.clock.now();
    let row = seen(&kit.db, caller, id).await?;
    caller.require_organizer(row.challenge_id)?;
    let mut wrong = Complaints::new();
    let reason = wrong.text("/reason", &body.reason, 1..=1000);
    wrong.finish()?;
    let mut tx = kit.db.begin().await?;
    db::lock_phase(&mut tx, row.phase_id).await?;
    let row = rows::find(&mut *tx, row.id).await?;
    let by = caller.user_id;
    rows::step(&mut tx, &row, Event::Drop, Some(by.0), now).await?;
    consent::forget(&mut tx, Act::Rescore, row.id, by, now).await?;
    let details = json!({"phase_id": row.phase_id, "from": row.state});
    let action = "rescoring.dropped";
    audit::append(
        &mut tx,
        now,
        Some(by),
        action,
        row.id,
        details,
        Some(&reason),
    )
    .await?;
    tx.commit().await?;
    rows::find(&kit.db, row.id).await
}
