//! `GET /api/v1/challenges/{slug}/faq`

use actix_web::web;
use chrono::{DateTime, Utc};
use molar_web_kit::{ApiError, Kit, Page};
use serde::Serialize;
use uuid::Uuid;

use super::{NoteKind, rows};
use crate::challenges;

#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct NoteView {
    pub id: Uuid,
    pub kind: NoteKind,
    /// The question, or what was wrong.
    pub title: String,
    pub text: String,
    pub published_at: DateTime<Utc>,
}

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
