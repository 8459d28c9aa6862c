//! `POST /api/v1/teams/{id}/unlock`

use actix_web::web;
use chrono::TimeDelta;
use molar_domain::TeamId;
use molar_service::audit;
use molar_web_kit::{ApiError, Caller, Complaints, Kit};
use serde::Deserialize;
use serde_json::json;

use super::find::{TeamWithMembers, find_for};
use super::rows;
use crate::Error;

const GOOD_FOR: TimeDelta = TimeDelta::hours(24);

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Unlock {
    /// Why this team may change although a phase locks teams; for the audit log.
    #[schema(min_length = 1, max_length = 1000)]
    pub reason: String,
}

/// Lets the members of one team change for a day although a phase locks teams; by an organizer.
#[utoipa::path(
    post,
    path = "/api/v1/teams/{id}/unlock",
    tag = "teams",
    params(("id" = uuid::Uuid, Path)),
    responses((status = OK, body = TeamWithMembers))
)]
#[tracing::instrument(name = "teams.unlock", skip_all)]
pub async fn unlock(
    kit: web::Data<Kit>,
    caller: Caller,
    id: web::Path<TeamId>,
    body: web::Json<Unlock>,
) -> Result<web::Json<TeamWithMembers>, ApiError> {
    unlock_team(&kit, &caller, *id, &body.reason).await?;
    Ok(web::Json(find_for(&kit, &caller, *id).await?))
}

pub async fn unlock_team(
    kit: &Kit,
    caller: &Caller,
    id: TeamId,
    reason: &str,
) -> Result<(), Error> {
    let seen = find_for(kit, caller, id).await?;
    caller.require_organizer(seen.team.challenge_id)?;
    let mut wrong = Complaints::new();
    let reason = wrong.text("/reason", reason, 1..=1000);
    wrong.finish()?;

    let now = kit.clock.now();
    let until = now + GOOD_FOR;
    let mut tx = kit.db.begin().await?;
    rows::lock(&mut tx, id).await?;
    rows::unlock(&mut tx, id, until).await?;
    let details = json!({ "until": until });
    let actor = Some(caller.user_id);
    audit::append(
        &mut tx,
        now,
        actor,
        "team.unlocked",
        id.0,
        details,
        Some(&reason),
    )
    .await?;
    tx.commit().await?;
    Ok(())
}
