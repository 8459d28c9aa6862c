//! `POST /api/v1/requests/{id}/decline`

use actix_web::web;
use molar_service::consent;
use molar_web_kit::{ApiError, Caller, Complaints, Kit};
use serde::Deserialize;
use uuid::Uuid;

use super::RequestView;
use super::list::seen;
use crate::Error;

#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeclineRequest {
    /// Kept in the audit log.
    #[schema(min_length = 1, max_length = 1000)]
    pub reason: String,
}

/// Says no to an act that another organizer asked for, or takes your own request back.
#[utoipa::path(
    post,
    path = "/api/v1/requests/{id}/decline",
    tag = "requests",
    params(("id" = Uuid, Path)),
    responses((status = OK, body = RequestView))
)]
#[tracing::instrument(name = "requests.decline", skip_all)]
pub async fn decline(
    kit: web::Data<Kit>,
    caller: Caller,
    id: web::Path<Uuid>,
    body: web::Json<DeclineRequest>,
) -> Result<web::Json<RequestView>, ApiError> {
    Ok(web::Json(take(&kit, &caller, *id, &body).await?))
}

pub async fn take(
    kit: &Kit,
    caller: &Caller,
    id: Uuid,
    body: &DeclineRequest,
) -> Result<RequestView, Error> {
    let request = find(kit, caller, id).await?;
    caller.require_organizer(request.challenge_id)?;
    let mut wrong = Complaints::new();
    let reason = wrong.text("/reason", &body.reason, 1..=1000);
    wrong.finish()?;
    let mut tx = kit.db.begin().await?;
    let (by, now) = (caller.user_id, kit.clock.now());
    if !consent::decline(&mut tx, id, by, Some(&reason), now).await? {
        let why = "the request was decided or has expired already; nothing is left to decline";
        return Err(ApiError::conflict(why).with_code("request-over").into());
    }
    tx.commit().await?;
    find(kit, caller, id).await
}

async fn find(kit: &Kit, caller: &Caller, id: Uuid) -> Result<RequestView, Error> {
    let found = seen(kit, caller, Some(id), None, 1).await?.pop();
    found.ok_or(Error::NotFound("request"))
}
