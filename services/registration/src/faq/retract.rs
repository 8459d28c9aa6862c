//! `DELETE /api/v1/challenges/{slug}/faq/{id}`

use actix_web::{HttpResponse, web};
use molar_service::audit;
use molar_web_kit::{ApiError, Caller, Kit};
use serde_json::json;
use uuid::Uuid;

use super::rows;
use crate::{Error, challenges};

/// Takes an answer or an erratum off the public page; by an organizer.
#[utoipa::path(
    delete,
    path = "/api/v1/challenges/{slug}/faq/{id}",
    tag = "questions",
    params(("slug" = String, Path), ("id" = Uuid, Path)),
    responses((status = NO_CONTENT))
)]
#[tracing::instrument(name = "faq.retract", skip_all)]
pub async fn retract(
    kit: web::Data<Kit>,
    caller: Caller,
    place: web::Path<(String, Uuid)>,
) -> Result<HttpResponse, ApiError> {
    let (slug, id) = place.into_inner();
    take_off(&kit, &caller, &slug, id).await?;
    Ok(HttpResponse::NoContent().finish())
}

pub async fn take_off(kit: &Kit, caller: &Caller, slug: &str, id: Uuid) -> Result<(), Error> {
    let challenge = challenges::find_by_slug(&kit.db, slug).await?;
    caller.require_organizer(challenge.id)?;
    let now = kit.clock.now();
    let mut tx = kit.db.begin().await?;
    if !rows::retract(&mut tx, challenge.id, id, now).await? {
        return Err(Error::NotFound("note"));
    }
    let details = json!({ "challenge_id": challenge.id });
    let actor = Some(caller.user_id);
    audit::append(&mut tx, now, actor, "note.retracted", id, details, None).await?;
    tx.commit().await?;
    Ok(())
}
