//! `POST /api/v1/announcements/{id}/withdraw`

use actix_web::{HttpResponse, web};
use molar_service::audit;
use molar_web_kit::{ApiError, Caller, Complaints, Kit};
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use super::rows;
use crate::Error;

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WithdrawAnnouncement {
    /// Shown beside it.
    #[schema(min_length = 1, max_length = 1000)]
    pub reason: String,
}

/// Marks an announcement as no longer true. It stays to be read.
#[utoipa::path(
    post,
    path = "/api/v1/announcements/{id}/withdraw",
    tag = "announcements",
    params(("id" = Uuid, Path)),
    responses((status = NO_CONTENT))
)]
#[tracing::instrument(name = "announcements.withdraw", skip_all)]
pub async fn withdraw(
    kit: web::Data<Kit>,
    caller: Caller,
    id: web::Path<Uuid>,
    body: web::Json<WithdrawAnnouncement>,
) -> Result<HttpResponse, ApiError> {
    take_back(&kit, &caller, *id, &body.reason).await?;
    Ok(HttpResponse::NoContent().finish())
}

pub async fn take_back(kit: &Kit, caller: &Caller, id: Uuid, reason: &str) -> Result<(), Error> {
    let now = kit.clock.now();
    let mut tx = kit.db.begin().await?;
    let (challenge, is_withdrawn) = rows::lock(&mut tx, id).await?;
    caller.require_organizer(challenge)?;
    let mut wrong = Complaints::new();
    let reason = wrong.text("/reason", reason, 1..=1000);
    wrong.finish()?;
    if is_withdrawn {
        return Err(Error::WithdrawnAlready);
    }
    rows::withdraw(&mut tx, id, caller.user_id, &reason, now).await?;
    let action = "announcement.withdrawn";
    let details = json!({ "challenge_id": challenge });
    let actor = Some(caller.user_id);
    audit::append(&mut tx, now, actor, action, id, details, Some(&reason)).await?;
    tx.commit().await?;
    Ok(())
}
