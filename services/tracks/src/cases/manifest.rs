//! `GET /api/v1/splits/{id}/manifest`

use actix_web::web;
use molar_domain::SplitId;
use molar_web_kit::{ApiError, Caller, Kit, Page, PageQuery};
use serde::Serialize;
use uuid::Uuid;

use super::splits;

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ManifestItem {
    pub id: Uuid,
    pub name: String,
    pub image_name: String,
    pub size_bytes: i64,
    pub sha256: String,
    /// Leads to the image.
    pub image_path: String,
}

/// What there is to download of a public split; for approved teams that signed the newest terms.
#[utoipa::path(
    get,
    path = "/api/v1/splits/{id}/manifest",
    tag = "cases",
    params(("id" = Uuid, Path), PageQuery),
    responses((status = OK, body = Page<ManifestItem>))
)]
#[tracing::instrument(name = "cases.manifest", skip_all)]
pub async fn manifest(
    kit: web::Data<Kit>,
    caller: Caller,
    id: web::Path<SplitId>,
    query: web::Query<PageQuery>,
) -> Result<web::Json<Page<ManifestItem>>, ApiError> {
    let split = splits::find(&kit.db, *id).await?;
    splits::require_reader(&kit.db, &caller, &split).await?;
    let rows = sqlx::query!(
        "SELECT id, name, image_name, size_bytes, sha256 FROM tracks.cases
         WHERE split_id = $1 AND state = 'stored' AND ($2::uuid IS NULL OR id > $2)
         ORDER BY id LIMIT $3",
        split.id,
        query.after(),
        query.fetch(),
    )
    .fetch_all(&kit.db)
    .await?;
    let items = rows.into_iter().map(|row| ManifestItem {
        image_path: format!("/api/v1/cases/{}/image", row.id),
        id: row.id,
        name: row.name,
        image_name: row.image_name,
        size_bytes: row.size_bytes,
        sha256: row.sha256,
    });
    let page = Page::of(items.collect(), &query, |item: &ManifestItem| item.id);
    Ok(web::Json(page))
}
