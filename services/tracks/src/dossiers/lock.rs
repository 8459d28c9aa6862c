//! `POST /api/v1/finalists/{id}/lock` and `…/unlock`

use actix_web::web;
use chrono::{DateTime, Utc};
use molar_service::audit;
use molar_web_kit::{ApiError, Caller, Kit};
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::find::DossierView;
use super::rows;
use crate::finals::rows::{self as finals, Finalist};
use crate::phases::publish::Decision;

/// Closes a dossier that is complete: it is published as it is now.
#[utoipa::path(
    post,
    path = "/api/v1/finalists/{id}/lock",
    tag = "finals",
    params(("id" = Uuid, Path)),
    responses((status = OK, body = DossierView))
)]
#[tracing::instrument(name = "dossiers.lock", skip_all)]
pub async fn lock(
    kit: web::Data<Kit>,
    caller: Caller,
    id: web::Path<Uuid>,
    body: web::Json<Decision>,
) -> Result<web::Json<DossierView>, ApiError> {
    act(&kit, &caller, *id, &body, Step::Lock).await
}

/// Opens it to its team again, also after its due date and before the phase is published, with a reason that the audit
/// log keeps.
#[utoipa::path(
    post,
    path = "/api/v1/finalists/{id}/unlock",
    tag = "finals",
    params(("id" = Uuid, Path)),
    responses((status = OK, body = DossierView))
)]
#[tracing::instrument(name = "dossiers.unlock", skip_all)]
pub async fn unlock(
    kit: web::Data<Kit>,
    caller: Caller,
    id: web::Path<Uuid>,
    body: web::Json<Decision>,
) -> Result<web::Json<DossierView>, ApiError> {
    act(&kit, &caller, *id, &body, Step::Unlock).await
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Lock,
    Unlock,
}

async fn act(
    kit: &Kit,
    caller: &Caller,
    id: Uuid,
    body: &Decision,
    step: Step,
) -> Result<web::Json<DossierView>, ApiError> {
    let mut tx = kit.db.begin().await?;
    let finalist = take(&mut tx, caller, id, body.reason()?, step, kit.clock.now()).await?;
    let dossier = rows::find(&mut *tx, id).await?;
    tx.commit().await?;
    Ok(web::Json(DossierView::of(&finalist, dossier)))
}

pub async fn take(
    tx: &mut PgConnection,
    caller: &Caller,
    id: Uuid,
    reason: Option<&str>,
    step: Step,
    now: DateTime<Utc>,
) -> Result<Finalist, ApiError> {
    let finalist = finals::find(&mut *tx, id).await?;
    caller.require_organizer(finalist.challenge_id())?;
    let published = finals::lock(tx, finalist.phase_id).await?.published_at;
    let dossier = rows::lock(tx, id, caller, now).await?;
    let missing = dossier.missing();
    let refusal = if published.is_some() {
        Some("the dossiers are published and stay as they are".to_owned())
    } else if finalist.is_struck() {
        Some("this team is no finalist any more".to_owned())
    } else if step == Step::Unlock && finalist.due_at.is_some_and(|due| due <= now) {
        None
    } else if (step == Step::Lock) == dossier.locked_at.is_some() {
        let so = if step == Step::Lock { "locked" } else { "open" };
        Some(format!("the dossier is {so} already"))
    } else if step == Step::Lock && !missing.is_empty() {
        Some(format!("the dossier lacks {}", missing.join("; ")))
    } else {
        None
    };
    if let Some(why) = refusal {
        return Err(ApiError::conflict(why));
    }
    if step == Step::Unlock && reason.is_none() {
        return Err(ApiError::invalid(
            "/reason",
            "say why; the audit log keeps it",
        ));
    }
    write(tx, caller, &finalist, reason, step, now).await?;
    Ok(finalist)
}

async fn write(
    tx: &mut PgConnection,
    caller: &Caller,
    finalist: &Finalist,
    reason: Option<&str>,
    step: Step,
    now: DateTime<Utc>,
) -> Result<(), ApiError> {
    let is_lock = step == Step::Lock;
    sqlx::query!(
        "UPDATE tracks.dossiers SET locked_at = $2, locked_by = $3, reopened_at = COALESCE($4, reopened_at)
         WHERE finalist_id = $1",
        finalist.id,
        is_lock.then_some(now),
        is_lock.then_some(caller.user_id.0),
        (!is_lock).then_some(now),
    )
    .execute(&mut *tx)
    .await?;
    let details = json!({
        "challenge_id": finalist.challenge_id, "phase_id": finalist.phase_id, "team_id": finalist.team_id,
    });
    let action = if is_lock {
        "dossier.locked"
    } else {
        "dossier.unlocked"
    };
    let actor = Some(caller.user_id);
    audit::append(tx, now, actor, action, finalist.id, details, reason).await?;
    Ok(())
}
