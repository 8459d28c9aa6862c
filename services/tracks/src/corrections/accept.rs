//! `POST /api/v1/corrections/{id}/accept`

use actix_web::web;
use molar_domain::{ChallengeId, ReferenceSetId};
use molar_service::audit;
use molar_web_kit::{ApiError, Caller, Kit};
use serde_json::json;
use sqlx::PgConnection;

use super::rows::{self, Correction};
use super::{CorrectionView, find};
use crate::Error;
use crate::cases::splits;

/// Makes a correction the newest version of the split's references. Phases of which nothing is scored use it from
/// now on, all others once a re-scoring is published.
#[utoipa::path(
    post,
    path = "/api/v1/corrections/{id}/accept",
    tag = "corrections",
    params(("id" = Uuid, Path)),
    responses((status = OK, body = CorrectionView))
)]
#[tracing::instrument(name = "corrections.accept", skip_all)]
pub async fn accept(
    kit: web::Data<Kit>,
    caller: Caller,
    id: web::Path<ReferenceSetId>,
) -> Result<web::Json<CorrectionView>, ApiError> {
    Ok(web::Json(take(&kit, &caller, *id).await?))
}

pub async fn take(
    kit: &Kit,
    caller: &Caller,
    id: ReferenceSetId,
) -> Result<CorrectionView, ApiError> {
    let now = kit.clock.now();
    let mut tx = kit.db.begin().await?;
    let seen = find::row(&mut *tx, id).await?;
    caller.require_organizer(ChallengeId(seen.challenge_id))?;
    splits::lock(&mut tx, seen.split_id).await?;
    let seen = find::row(&mut *tx, id).await?;
    require_open(&mut tx, &seen).await?;
    // Cases that were added since: kept, so that they are read and the next try finds them good.
    if rows::share(&mut tx, seen.based_on, seen.id).await? > 0 {
        tx.commit().await?;
        let why = "cases were added since, which are being read; accept it again in some seconds";
        return Err(ApiError::conflict(why).with_code("correction-not-good"));
    }
    require_good(&mut tx, &seen).await?;
    let version = rows::accept(&mut tx, &seen, caller.user_id.0, now).await?;
    let details = json!({"split_id": seen.split_id, "version": version});
    let actor = Some(caller.user_id);
    let action = "correction.accepted";
    audit::append(&mut tx, now, actor, action, seen.id, details, None).await?;
    tx.commit().await?;
    let found = find::row(&kit.db, id).await?;
    Ok(CorrectionView::of(&kit.db, found).await?)
}

async fn require_open(conn: &mut PgConnection, of: &Correction) -> Result<(), Error> {
    let over = if of.accepted_at.is_some() {
        "the correction is accepted already"
    } else if of.dropped_at.is_some() {
        "another correction took the place of this one; accept that, or upload this one again"
    } else if rows::newest(conn, of.split_id).await? != Some(of.based_on) {
        "the references have a newer version than the one that this corrects; upload the correction again"
    } else {
        return Ok(());
    };
    Err(ApiError::conflict(over).with_code("correction-over").into())
}

async fn require_good(conn: &mut PgConnection, of: &Correction) -> Result<(), Error> {
    let unread = rows::unread(&mut *conn, of.id).await?;
    if unread == 0 {
        return Ok(());
    }
    let cases = rows::cases(conn, of).await?;
    let bad: Vec<_> = cases
        .into_iter()
        .filter_map(|case| Some(format!("{}: {}", case.name, case.complaint?)))
        .collect();
    let why = match bad.is_empty() {
        true => format!(
            "{unread} references were not put and read yet; put them, say that they are stored, and wait some seconds"
        ),
        false => format!(
            "a reference is not good: {}; upload the correction again",
            bad.join("; ")
        ),
    };
    Err(ApiError::conflict(why)
        .with_code("correction-not-good")
        .into())
}
