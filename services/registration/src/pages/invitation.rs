//! `/invitations/{token}`

use actix_web::{HttpResponse, web};
use askama::Template;
use molar_web_kit::{ApiError, Caller, Kit};

use super::{page, see_other};
use crate::invitations::accept::join;
use crate::invitations::rows::{self, Invitation};
use crate::sightings::Origin;

#[derive(Template)]
#[template(path = "invitation.html")]
struct Body<'a> {
    invitation: Invitation,
    token: &'a str,
    csrf: &'a str,
}

pub async fn show(
    kit: web::Data<Kit>,
    caller: Caller,
    token: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    let invitation = rows::find(&kit.db, &token).await?;
    if caller.is_member(invitation.team_id) {
        return Ok(see_other(&format!("/teams/{}", invitation.team_id)));
    }
    invitation.check(kit.clock.now())?;
    let body = Body {
        invitation,
        token: &token,
        csrf: caller.csrf_token(),
    };
    let title = format!("Join {}", body.invitation.team_name);
    Ok(page(Some(&caller), title, &body)?.respond())
}

#[tracing::instrument(name = "pages.invitation.accept", skip_all)]
pub async fn accept(
    kit: web::Data<Kit>,
    caller: Caller,
    origin: Origin,
    token: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    let joined = join(&kit, &caller, origin, &token).await?;
    Ok(see_other(&format!("/teams/{}", joined.team_id)))
}
