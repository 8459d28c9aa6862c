//! `POST /api/v1/phases/{id}/publish`

use actix_web::web;
use molar_contracts::keys;
use molar_domain::PhaseId;
use molar_service::{audit, outbox};
use molar_web_kit::{ApiError, Caller, Kit};
use serde::Deserialize;
use serde_json::json;

use super::rows;
use super::view::PhaseView;

#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Decision {
    /// Kept in the audit log.
    #[schema(max_length = 1000)]
    pub reason: Option<String>,
}

impl Decision {
    /// An empty reason is none.
    pub fn reason(&self) -> Result<Option<&str>, ApiError> {
        reason(self.reason.as_deref())
    }
}

/// As [`Decision::reason`].
pub fn reason(given: Option<&str>) -> Result<Option<&str>, ApiError> {
    let reason = given.map(str::trim).unwrap_or_default();
    if reason.chars().count() > 1000 {
        return Err(ApiError::invalid(
            "/reason",
            "must have 1000 characters at most",
        ));
    }
    Ok(Some(reason).filter(|reason| !reason.is_empty()))
}

/// Shows the scores of a final phase, or past the freeze of a board, to everybody. Doing so twice changes nothing.
#[utoipa::path(
    post,
    path = "/api/v1/phases/{id}/publish",
    tag = "phases",
    params(("id" = uuid::Uuid, Path)),
    responses((status = OK, body = PhaseView))
)]
#[tracing::instrument(name = "phases.publish", skip_all)]
pub async fn publish(
    kit: web::Data<Kit>,
    caller: Caller,
    id: web::Path<PhaseId>,
    body: web::Json<Decision>,
) -> Result<web::Json<PhaseView>, ApiError> {
    let now = kit.clock.now();
    let phase = rows::find(&kit.db, *id, now).await?;
    caller.require_organizer(phase.challenge_id())?;
    let reason = body.reason()?;
    if !phase.is_final && phase.freezes_at.is_none() {
        let why = "the scores of this phase are shown all along; only a final phase, or one with a frozen board, is published";
        return Err(ApiError::conflict(why));
    }

    let mut tx = kit.db.begin().await?;
    let published = sqlx::query!(
        "UPDATE tracks.phases SET published_at = $2, published_by = $3
         WHERE id = $1 AND published_at IS NULL",
        id.0,
        now,
        caller.user_id.0,
    )
    .execute(&mut *tx)
    .await?;
    if published.rows_affected() == 1 {
        outbox::announce(&mut tx, now, keys::PHASE_PUBLISHED, id.0, Some(id.0)).await?;
        let details = json!({"challenge_id": phase.challenge_id, "state": phase.state(now)});
        let actor = Some(caller.user_id);
        audit::append(
            &mut tx,
            now,
            actor,
            "phase.published",
            id.0,
            details,
            reason,
        )
        .await?;
    }
    tx.commit().await?;
    let phase = rows::find(&kit.db, *id, now).await?;
    Ok(web::Json(PhaseView::of(phase, now)))
}
