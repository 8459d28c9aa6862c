//! `GET /api/v1/splits/{id}/cases`

use actix_web::web;
use molar_domain::SplitId;
use molar_web_kit::{ApiError, Caller, Kit, Page, PageQuery};
use serde::Serialize;
use uuid::Uuid;

use super::splits;

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct CaseView {
    pub id: Uuid,
    pub name: String,
    pub image_name: String,
    pub size_bytes: i64,
    pub sha256: String,
    /// `announced` or `stored`.
    pub state: String,
    /// Of the newest version.
    pub reference: Option<ReferenceView>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ReferenceView {
    pub version: i32,
    pub size_bytes: i64,
    pub sha256: String,
    /// `announced` or `stored`.
    pub state: String,
    /// None until it was read.
    pub is_good: Option<bool>,
    /// Why it is not good, and how to mend it.
    pub complaint: Option<String>,
}

/// The cases of a split with what reading their references showed; for organizers and reviewers.
#[utoipa::path(
    get,
    path = "/api/v1/splits/{id}/cases",
    tag = "cases",
    params(("id" = Uuid, Path), PageQuery),
    responses((status = OK, body = Page<CaseView>))
)]
#[tracing::instrument(name = "cases.list", skip_all)]
pub async fn list(
    kit: web::Data<Kit>,
    caller: Caller,
    id: web::Path<SplitId>,
    query: web::Query<PageQuery>,
) -> Result<web::Json<Page<CaseView>>, ApiError> {
    let split = splits::find(&kit.db, *id).await?;
    caller.require_reviewer(split.challenge_id())?;
    let rows = sqlx::query!(
        r#"
        SELECT c.id, c.name, c.image_name, c.size_bytes, c.sha256, c.state,
               s.version AS "version?", r.size_bytes AS "reference_size_bytes?",
               r.sha256 AS "reference_sha256?", r.state AS "reference_state?",
               f.is_good AS "is_good?", f.complaint AS "complaint?"
        FROM tracks.cases c
        LEFT JOIN tracks.reference_sets s ON s.id =
            (SELECT n.id FROM tracks.reference_sets n WHERE n.split_id = c.split_id
             ORDER BY n.version DESC LIMIT 1)
        LEFT JOIN tracks.case_references r ON r.case_id = c.id AND r.reference_set_id = s.id
        LEFT JOIN scoring.reference_facts f ON f.reference_id = r.id
        WHERE c.split_id = $1 AND ($2::uuid IS NULL OR c.id > $2)
        ORDER BY c.id LIMIT $3
        "#,
        split.id,
        query.after(),
        query.fetch(),
    )
    .fetch_all(&kit.db)
    .await?;
    let cases = rows.into_iter().map(|row| CaseView {
        id: row.id,
        name: row.name,
        image_name: row.image_name,
        size_bytes: row.size_bytes,
        sha256: row.sha256,
        state: row.state,
        reference: row.reference_state.map(|state| ReferenceView {
            version: row.version.unwrap_or_default(),
            size_bytes: row.reference_size_bytes.unwrap_or_default(),
            sha256: row.reference_sha256.unwrap_or_default(),
            state,
            is_good: row.is_good,
            complaint: row.complaint,
        }),
    });
    let page = Page::of(cases.collect(), &query, |case: &CaseView| case.id);
    Ok(web::Json(page))
}
