//! `GET /api/v1/teams/{id}/invitations`

use actix_web::web;
use chrono::{DateTime, Utc};
use molar_domain::{TeamId, spelled_enum};
use molar_web_kit::{ApiError, Caller, Kit, Page};
use serde::Serialize;
use uuid::Uuid;

use super::rows;
use crate::Error;
use crate::teams::find::find_for;

spelled_enum! {
    #[derive(utoipa::ToSchema)]
    pub enum InvitationState as "state of an invitation" {
        Open = "open",
        Used = "used",
        Revoked = "revoked",
        Expired = "expired",
    }
}

/// An invitation without its secret, which was told once.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct InvitationItem {
    pub id: Uuid,
    pub state: InvitationState,
    pub invited_by: String,
    pub created_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    /// Who joined by it.
    pub used_by: Option<String>,
    pub used_at: Option<DateTime<Utc>>,
}

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
