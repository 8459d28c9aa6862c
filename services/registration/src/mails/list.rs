//! `GET /api/v1/mails`

use actix_web::web;
use molar_web_kit::{ApiError, Kit, Page, PageQuery};

use super::rows::{self, MailView};

/// Mails that wait for a server or were given up, the newest first.
#[utoipa::path(
    get,
    path = "/api/v1/mails",
    tag = "mail",
    params(PageQuery),
    responses((status = OK, body = Page<MailView>))
)]
#[tracing::instrument(name = "mails.list", skip_all)]
pub async fn list(
    kit: web::Data<Kit>,
    paging: web::Query<PageQuery>,
) -> Result<web::Json<Page<MailView>>, ApiError> {
    let rows = rows::list_unsent(&kit.db, paging.after(), paging.fetch()).await?;
    Ok(web::Json(Page::of(rows, &paging, |mail| mail.id)))
}
