//! `GET /api/v1/mails`

use actix_web::web;
use chrono::{DateTime, Utc};
use molar_web_kit::{ApiError, Kit, Page, PageQuery};
use serde::Serialize;
use uuid::Uuid;

use super::rows;

/// A mail that no server has taken. To whom it goes is nobody's business here.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct MailView {
    pub id: Uuid,
    /// `account` or `notice`.
    pub kind: String,
    pub subject: String,
    pub created_at: DateTime<Utc>,
    pub next_try_at: DateTime<Utc>,
    pub deadline: DateTime<Utc>,
    pub attempts: i32,
    /// Not tried any more unless an administrator asks for it.
    pub given_up_at: Option<DateTime<Utc>>,
    pub last_error: Option<String>,
}

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
