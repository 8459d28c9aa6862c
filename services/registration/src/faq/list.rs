//! `GET /api/v1/challenges/{slug}/faq`

use actix_web::web;
use molar_web_kit::{ApiError, Kit, Page};

use super::rows::{self, NoteView};
use crate::challenges;

/// Public answers and errata of a challenge, the newest first.
#[utoipa::path(
    get,
    path = "/api/v1/challenges/{slug}/faq",
    tag = "questions",
    params(("slug" = String, Path)),
    responses((status = OK, body = Page<NoteView>))
)]
#[tracing::instrument(name = "faq.list", skip_all)]
pub async fn list(
    kit: web::Data<Kit>,
    slug: web::Path<String>,
) -> Result<web::Json<Page<NoteView>>, ApiError> {
    let challenge = challenges::find_by_slug(&kit.db, &slug).await?;
    let items = rows::list(&kit.db, challenge.id).await?;
    Ok(web::Json(Page { items, next: None }))
}
