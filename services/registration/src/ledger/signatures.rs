//! `GET /api/v1/challenges/{slug}/ledger/signatures`

use actix_web::web;
use molar_web_kit::{ApiError, Caller, Kit, Page};

use super::LedgerQuery;
use super::rows::{self, SignatureView};
use crate::challenges;

/// Every signature under the agreement of a challenge, the first first; for organizers and reviewers.
#[utoipa::path(
    get,
    path = "/api/v1/challenges/{slug}/ledger/signatures",
    tag = "ledger",
    params(("slug" = String, Path), LedgerQuery),
    responses((status = OK, body = Page<SignatureView>))
)]
#[tracing::instrument(name = "ledger.signatures", skip_all)]
pub async fn signatures(
    kit: web::Data<Kit>,
    caller: Caller,
    slug: web::Path<String>,
    query: web::Query<LedgerQuery>,
) -> Result<web::Json<Page<SignatureView>>, ApiError> {
    let challenge = challenges::find_reviewed(&kit.db, &caller, &slug).await?;
    let page = query.paging()?;
    let (after, limit) = (page.after(), page.fetch());
    let rows = rows::signatures(&kit.db, challenge.id, query.user_id, after, limit).await?;
    Ok(web::Json(Page::of(rows, &page, |row| row.id)))
}
