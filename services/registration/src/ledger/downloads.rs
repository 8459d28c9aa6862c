//! `GET /api/v1/challenges/{slug}/ledger/downloads`

use actix_web::web;
use chrono::{DateTime, Utc};
use molar_domain::UserId;
use molar_web_kit::{ApiError, Caller, Kit, Page};
use serde::Serialize;
use uuid::Uuid;

use super::{LedgerQuery, rows};
use crate::challenges;

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct DownloadView {
    pub id: Uuid,
    #[schema(value_type = Uuid)]
    pub user_id: UserId,
    pub user: String,
    /// `image`, `reference` or `pack`; of what organizers took out in bulk `prediction`, `output` or `run`.
    pub kind: String,
    /// The case, the pack, the submission or the case run.
    pub file_id: Uuid,
    /// track/split/file, or its place in an export.
    pub place: String,
    pub size_bytes: i64,
    pub handed_at: DateTime<Utc>,
    /// Of the link.
    pub expires_at: DateTime<Utc>,
}

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
