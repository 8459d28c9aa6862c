//! `PATCH /api/v1/me`

use actix_web::{HttpResponse, web};
use molar_web_kit::{ApiError, Caller, Kit};
use serde::Deserialize;

use crate::mails::unsubscribe::set_wants_notices;

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeMe {
    /// Whether you get mail about results, deadlines and announcements. What the account itself
    /// needs, such as a new password, is mailed in any case.
    pub wants_notices: bool,
}

/// Changes what is mailed to you.
#[utoipa::path(patch, path = "/api/v1/me", tag = "account", responses((status = NO_CONTENT)))]
#[tracing::instrument(name = "accounts.notices", skip_all)]
pub async fn change(
    kit: web::Data<Kit>,
    caller: Caller,
    body: web::Json<ChangeMe>,
) -> Result<HttpResponse, ApiError> {
    set_wants_notices(&kit.db, caller.user_id, body.wants_notices).await?;
    Ok(HttpResponse::NoContent().finish())
}
