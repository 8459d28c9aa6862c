//! `GET /api/v1/me`

use actix_web::web;
use molar_domain::{ChallengeId, UserId};
use molar_web_kit::{ApiError, Caller, Kit, Scope};
use serde::Serialize;

use super::rows;
use crate::teams::{self, TeamView};

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct MeView {
    #[schema(value_type = uuid::Uuid)]
    id: UserId,
    name: String,
    email: String,
    affiliation: String,
    is_admin: bool,
    /// Whether the address was confirmed by a link that was mailed to it.
    is_confirmed: bool,
    /// Whether you get mail about results, deadlines and announcements.
    wants_notices: bool,
    /// What the token that you show may be used for.
    scopes: Vec<Scope>,
    teams: Vec<TeamView>,
    /// Challenges of which you are an organizer.
    #[schema(value_type = Vec<uuid::Uuid>)]
    organizer_of: Vec<ChallengeId>,
}

/// Who is calling.
#[utoipa::path(get, path = "/api/v1/me", tag = "account", responses((status = OK, body = MeView)))]
#[tracing::instrument(name = "accounts.me", skip_all)]
pub async fn me(kit: web::Data<Kit>, caller: Caller) -> Result<web::Json<MeView>, ApiError> {
    let user = rows::find(&kit.db, caller.user_id).await?;
    Ok(web::Json(MeView {
        id: user.id,
        name: user.name,
        email: user.email,
        affiliation: user.affiliation,
        is_admin: caller.is_admin,
        is_confirmed: user.confirmed_at.is_some(),
        wants_notices: user.wants_notices,
        scopes: caller.scopes,
        teams: teams::rows::list(&kit.db, &caller.teams).await?,
        organizer_of: caller.organizer_of,
    }))
}
