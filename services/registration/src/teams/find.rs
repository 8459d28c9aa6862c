//! `GET /api/v1/teams/{id}`

use actix_web::web;
use molar_domain::TeamId;
use molar_web_kit::{ApiError, Caller, Kit};
use serde::Serialize;

use super::locks::{self, Lock};
use super::{MemberView, TeamView, rows};
use crate::Error;

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct TeamWithMembers {
    #[serde(flatten)]
    pub team: TeamView,
    pub members: Vec<MemberView>,
    /// The phase that holds the members as they are, or will.
    pub lock: Option<Lock>,
}

/// A team and who is in it: for its members, and for organizers and reviewers.
#[utoipa::path(
    get,
    path = "/api/v1/teams/{id}",
    tag = "teams",
    params(("id" = uuid::Uuid, Path)),
    responses((status = OK, body = TeamWithMembers))
)]
#[tracing::instrument(name = "teams.find", skip_all)]
pub async fn find(
    kit: web::Data<Kit>,
    caller: Caller,
    id: web::Path<TeamId>,
) -> Result<web::Json<TeamWithMembers>, ApiError> {
    Ok(web::Json(find_for(&kit, &caller, *id).await?))
}

/// To anybody who may not see it, there is no such team.
pub async fn find_for(kit: &Kit, caller: &Caller, id: TeamId) -> Result<TeamWithMembers, Error> {
    let team = rows::find(&kit.db, id).await?;
    let may_review = caller.may_review(team.challenge_id);
    if !caller.is_member(id) && !may_review {
        return Err(Error::NotFound("team"));
    }
    let members = rows::members(&kit.db, id, may_review).await?;
    let lock = locks::find(&kit.db, id, kit.clock.now()).await?;
    Ok(TeamWithMembers {
        team,
        members,
        lock,
    })
}
