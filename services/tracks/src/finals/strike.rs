//! `POST /api/v1/finalists/{id}/strike`

use actix_web::web;
use chrono::{DateTime, Utc};
use molar_service::audit;
use molar_web_kit::{ApiError, Caller, Kit};
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::find::{self, FinalsView};
use super::rows::{self, Finalist};
use crate::phases::publish::Decision;
use crate::phases::rows as phases;

/// Takes a finalist out, before the finalists are published, with a reason that its team is shown. The next of
/// the ranking moves up.
#[utoipa::path(
    post,
    path = "/api/v1/finalists/{id}/strike",
    tag = "finals",
    params(("id" = Uuid, Path)),
    responses((status = OK, body = FinalsView))
)]
#[tracing::instrument(name = "finals.strike", skip_all)]
pub async fn strike(
    kit: web::Data<Kit>,
    caller: Caller,
    id: web::Path<Uuid>,
    body: web::Json<Decision>,
) -> Result<web::Json<FinalsView>, ApiError> {
    let now = kit.clock.now();
    let mut tx = kit.db.begin().await?;
    let struck = take(&mut tx, &caller, *id, body.reason()?, now).await?;
    let phase = phases::find(&mut *tx, struck.phase_id.into(), now).await?;
    let view = find::of(&mut tx, &phase, Some(&caller)).await?;
    tx.commit().await?;
    Ok(web::Json(view))
}

pub async fn take(
    tx: &mut PgConnection,
    caller: &Caller,
    id: Uuid,
    reason: Option<&str>,
    now: DateTime<Utc>,
) -> Result<Finalist, ApiError> {
    let finalist = rows::find(&mut *tx, id).await?;
    caller.require_organizer(finalist.challenge_id())?;
    let Some(reason) = reason else {
        let wrong = "say why: the team is shown it, and the audit log keeps it";
        return Err(ApiError::invalid("/reason", wrong));
    };
    let finals = rows::lock(tx, finalist.phase_id).await?;
    if finals.published_at.is_some() {
        let why = "the finalists are published and stay as they are; a team that broke the rules is disqualified instead";
        return Err(ApiError::conflict(why).with_code("finals-published"));
    }
    let done = sqlx::query!(
        "UPDATE tracks.finalists SET struck_at = $2, struck_by = $3, struck_reason = $4 WHERE id = $1 AND struck_at IS NULL",
        id,
        now,
        caller.user_id.0,
        reason,
    )
    .execute(&mut *tx)
    .await?;
    if done.rows_affected() == 0 {
        return Err(ApiError::conflict("this team was struck already"));
    }
    sqlx::query!("DELETE FROM tracks.award_places WHERE finalist_id = $1", id)
        .execute(&mut *tx)
        .await?;
    let moved_up = rows::name_next(tx, finalist.phase_id, finals.top, now).await?;
    let details = json!({
        "challenge_id": finalist.challenge_id, "phase_id": finalist.phase_id, "team_id": finalist.team_id,
        "moved_up": moved_up,
    });
    let actor = Some(caller.user_id);
    audit::append(tx, now, actor, "finalist.struck", id, details, Some(reason)).await?;
    Ok(finalist)
}
