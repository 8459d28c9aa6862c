//! `POST /api/v1/mails/{id}/retry`

use actix_web::{HttpResponse, web};
use molar_web_kit::{ApiError, Kit};
use uuid::Uuid;

use super::{PATIENCE, rows};
use crate::Error;

/// Tries again to send a mail that was given up.
#[utoipa::path(
    post,
    path = "/api/v1/mails/{id}/retry",
    tag = "mail",
    params(("id" = Uuid, Path)),
    responses((status = NO_CONTENT))
)]
#[tracing::instrument(name = "mails.retry", skip_all)]
pub async fn retry(kit: web::Data<Kit>, id: web::Path<Uuid>) -> Result<HttpResponse, ApiError> {
    retry_mail(&kit, *id).await?;
    Ok(HttpResponse::NoContent().finish())
}

pub async fn retry_mail(kit: &Kit, id: Uuid) -> Result<(), Error> {
    let now = kit.clock.now();
    rows::retry(&kit.db, id, now + PATIENCE, now).await
}
