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
    /// The labels to train with, where the split has public ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<ManifestReference>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ManifestReference {
    pub name: String,
    pub size_bytes: i64,
    pub sha256: String,
    /// Leads to the file.
    pub path: String,
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
    let rows = sqlx::query_file!(
        "queries/manifest.sql",
        split.id,
        query.after().unwrap_or_default(),
        query.fetch(),
    )
    .fetch_all(&kit.db)
    .await?;
    let items = rows.into_iter().map(|row| ManifestItem {
        image_path: format!("/api/v1/cases/{}/image", row.id),
        reference: row.reference_size_bytes.zip(row.reference_sha256).map(
            |(size_bytes, sha256)| ManifestReference {
                name: split.reference_name(&row.name),
                path: format!("/api/v1/cases/{}/reference", row.id),
                size_bytes,
                sha256,
            },
        ),
        id: row.id,
        name: row.name,
        image_name: row.image_name,
        size_bytes: row.size_bytes,
        sha256: row.sha256,
    });
    let page = Page::of(items.collect(), &query, |item: &ManifestItem| item.id);
    Ok(web::Json(page))
}
