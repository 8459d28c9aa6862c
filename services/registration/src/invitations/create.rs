//! `POST /api/v1/teams/{id}/invitations`

use actix_web::{HttpResponse, web};
use chrono::{DateTime, TimeDelta, Utc};
use molar_domain::TeamId;
use molar_web_kit::{ApiError, Caller, Kit};
use serde::Serialize;

use super::rows;
use crate::{Error, teams};

const GOOD_FOR: TimeDelta = TimeDelta::days(7);

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct InvitationView {
    /// The secret. Told this once.
    pub token: String,
    /// The page on which it is used.
    pub url: String,
    pub expires_at: DateTime<Utc>,
}

/// Makes an invitation to a team, for one person; by its captain.
#[utoipa::path(
    post,
    path = "/api/v1/teams/{id}/invitations",
    tag = "teams",
    params(("id" = uuid::Uuid, Path)),
    responses((status = CREATED, body = InvitationView))
)]
#[tracing::instrument(name = "invitations.create", skip_all)]
pub async fn create(
    kit: web::Data<Kit>,
    caller: Caller,
    team: web::Path<TeamId>,
) -> Result<HttpResponse, ApiError> {
    Ok(HttpResponse::Created().json(invite(&kit, &caller, *team).await?))
}

pub async fn invite(kit: &Kit, caller: &Caller, team: TeamId) -> Result<InvitationView, Error> {
    let now = kit.clock.now();
    let expires_at = now + GOOD_FOR;
    let mut tx = kit.db.begin().await?;
    teams::rows::lock_as_captain(&mut tx, team, caller.user_id, "invites").await?;
    teams::locks::require_open(&mut *tx, team, now).await?;
    let token = rows::insert(&mut *tx, team, caller.user_id, expires_at, now).await?;
    tx.commit().await?;
    let base = kit.public_url.as_str().trim_end_matches('/');
    let url = format!("{base}/invitations/{token}");
    Ok(InvitationView {
        token,
        url,
        expires_at,
    })
}
