//! `GET /api/v1/challenges/{slug}/ledger/downloads`

use actix_web::web;
use molar_web_kit::{ApiError, Caller, Kit, Page};

use super::LedgerQuery;
use super::rows::{self, DownloadView};
use crate::challenges;

/// Every link to data of a challenge that was handed out, the first first; for organizers and
/// reviewers.
#[utoipa::path(
    get,
    path = "/api/v1/challenges/{slug}/ledger/downloads",
    tag = "ledger",
    params(("slug" = String, Path), LedgerQuery),
    responses((status = OK, body = Page<DownloadView>))
)]
#[tracing::instrument(name = "ledger.downloads", skip_all)]
pub async fn downloads(
    kit: web::Data<Kit>,
    caller: Caller,
    slug: web::Path<String>,
    query: web::Query<LedgerQuery>,
) -> Result<web::Json<Page<DownloadView>>, ApiError> {
    let challenge = challenges::find_reviewed(&kit.db, &caller, &slug).await?;
    let page = query.paging()?;
    let (after, limit) = (page.after(), page.fetch());
    let rows = rows::downloads(&kit.db, challenge.id, query.user_id, after, limit).await?;
    Ok(web::Json(Page::of(rows, &page, |row| row.id)))
}
