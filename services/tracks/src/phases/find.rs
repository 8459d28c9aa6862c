//! `GET /api/v1/phases/{id}` and `GET /api/v1/phases?challenge=&track=&phase=`

use actix_web::web;
use molar_domain::PhaseId;
use molar_web_kit::{ApiError, Caller, Kit};
use serde::Deserialize;

use super::rows::{self, Phase};
use super::view::PhaseView;

/// A phase, and whether it can take submissions.
#[utoipa::path(
    get,
    path = "/api/v1/phases/{id}",
    tag = "phases",
    params(("id" = uuid::Uuid, Path)),
    responses((status = OK, body = PhaseView))
)]
#[tracing::instrument(name = "phases.find", skip_all)]
pub async fn find(
    kit: web::Data<Kit>,
    id: web::Path<PhaseId>,
    caller: Option<Caller>,
) -> Result<web::Json<PhaseView>, ApiError> {
    let phase = rows::find(&kit.db, *id, kit.clock.now()).await?;
    see(&kit, phase, caller.as_ref()).await
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub struct Names {
    challenge: String,
    track: String,
    phase: String,
}

/// The phase with these slugs.
#[utoipa::path(
    get,
    path = "/api/v1/phases",
    tag = "phases",
    params(Names),
    responses((status = OK, body = PhaseView))
)]
#[tracing::instrument(name = "phases.look_up", skip_all)]
pub async fn look_up(
    kit: web::Data<Kit>,
    names: web::Query<Names>,
    caller: Option<Caller>,
) -> Result<web::Json<PhaseView>, ApiError> {
    let all = rows::list(&kit.db, None, kit.clock.now()).await?;
    let is_meant = |phase: &Phase| {
        phase.challenge == names.challenge
            && phase.track == names.track
            && phase.slug == names.phase
    };
    let phase = all.into_iter().find(is_meant);
    see(
        &kit,
        phase.ok_or(ApiError::NotFound("phase"))?,
        caller.as_ref(),
    )
    .await
}

async fn see(
    kit: &Kit,
    phase: Phase,
    caller: Option<&Caller>,
) -> Result<web::Json<PhaseView>, ApiError> {
    if !phase.is_shown(caller) {
        return Err(ApiError::NotFound("phase"));
    }
    // The names of hidden cases are not for everybody.
    let bad = match caller {
        Some(caller) if caller.may_review(phase.challenge_id()) => {
            rows::bad_references(&kit.db, phase.split_id).await?
        }
        _ => Vec::new(),
    };
    let mut view = PhaseView::of(phase, kit.clock.now());
    let complaints = bad.into_iter().map(|(case, why)| format!("{case}: {why}"));
    view.readiness.complaints.extend(complaints);
    Ok(web::Json(view))
}
