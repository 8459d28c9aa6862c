//! `GET /api/v1/teams/{id}/invitations`

use actix_web::web;
use molar_domain::TeamId;
use molar_web_kit::{ApiError, Caller, Kit, Page};

use super::rows::{self, InvitationItem};
use crate::Error;
use crate::teams::find::find_for;

/// The newest 100 invitations of a team: for its members, and for organizers and reviewers.
#[utoipa::path(
    get,
    path = "/api/v1/teams/{id}/invitations",
    tag = "teams",
    params(("id" = Uuid, Path)),
    responses((status = OK, body = Page<InvitationItem>))
)]
#[tracing::instrument(name = "invitations.list", skip_all)]
pub async fn list(
    kit: web::Data<Kit>,
    caller: Caller,
    team: web::Path<TeamId>,
) -> Result<web::Json<Page<InvitationItem>>, ApiError> {
    let items = list_for(&kit, &caller, *team).await?;
    Ok(web::Json(Page { items, next: None }))
}

pub async fn list_for(
    kit: &Kit,
    caller: &Caller,
    team: TeamId,
) -> Result<Vec<InvitationItem>, Error> {
    find_for(kit, caller, team).await?;
    Ok(rows::list(&kit.db, team, kit.clock.now()).await?)
}
