//! `GET /api/v1/announcements`

use actix_web::web;
use molar_web_kit::page::Cursor;
use molar_web_kit::{ApiError, Kit, Page, PageQuery};
use serde::Deserialize;

use super::{AnnouncementView, rows};
use crate::challenges;

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub struct ListAnnouncements {
    /// Slug of the challenge; all, if left out.
    challenge: Option<String>,
    #[param(value_type = Option<String>)]
    cursor: Option<Cursor>,
    limit: Option<u16>,
}

/// What was announced, the newest first; also what was withdrawn since.
#[utoipa::path(
    get,
    path = "/api/v1/announcements",
    tag = "announcements",
    params(ListAnnouncements),
    responses((status = OK, body = Page<AnnouncementView>))
)]
#[tracing::instrument(name = "announcements.list", skip_all)]
pub async fn list(
    kit: web::Data<Kit>,
    query: web::Query<ListAnnouncements>,
) -> Result<web::Json<Page<AnnouncementView>>, ApiError> {
    let paging = PageQuery::new(query.cursor, query.limit)?;
    let challenge = match &query.challenge {
        Some(slug) => Some(challenges::find_by_slug(&kit.db, slug).await?.id),
        None => None,
    };
    let rows = rows::list(&kit.db, challenge, paging.after(), paging.fetch()).await?;
    Ok(web::Json(Page::of(rows, &paging, |view| view.id)))
}
