//! `POST /api/v1/teams/{id}/invitations`

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use chrono::{DateTime, TimeDelta, Utc};
use molar_domain::TeamId;
use molar_web_kit::{ApiError, Begun, Caller, Kit, Once};
use serde::Serialize;
use sqlx::PgConnection;

use super::rows;
use crate::{Error, teams};

const GOOD_FOR: TimeDelta = TimeDelta::days(7);

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct InvitationView {
    /// The secret. Told this once; `null` to a request that is repeated with its key.
    pub token: String,
    /// The page on which it is used; holds the secret.
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
    once: Once,
    team: web::Path<TeamId>,
) -> Result<HttpResponse, ApiError> {
    let mut tx = kit.db.begin().await?;
    let once = match once.begin(&mut tx).await? {
        Begun::Replay(response) => return Ok(response),
        Begun::Fresh(once) => once,
    };
    let made = invite(&mut tx, &kit, &caller, *team).await?;
    let response = once
        .finish_secret(&mut tx, StatusCode::CREATED, &made, &["token", "url"])
        .await?;
    tx.commit().await?;
    Ok(response)
}

/// In a transaction: the team stays locked until it ends.
pub async fn invite(
    conn: &mut PgConnection,
    kit: &Kit,
    caller: &Caller,
    team: TeamId,
) -> Result<InvitationView, Error> {
    let now = kit.clock.now();
    let expires_at = now + GOOD_FOR;
    teams::rows::lock_as_captain(&mut *conn, team, caller.user_id, "invites").await?;
    teams::locks::require_open(&mut *conn, team, now).await?;
    let token = rows::insert(conn, team, caller.user_id, expires_at, now).await?;
    let base = kit.public_url.as_str().trim_end_matches('/');
    let url = format!("{base}/invitations/{token}");
    Ok(InvitationView {
        token,
        url,
        expires_at,
    })
}
