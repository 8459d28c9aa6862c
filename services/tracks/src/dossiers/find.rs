//! `GET /api/v1/finalists/{id}/dossier`, and the files in it.

use std::time::Duration;

use actix_web::http::header;
use actix_web::{HttpResponse, web};
use chrono::{DateTime, Utc};
use molar_objects::Bucket;
use molar_web_kit::{ApiError, Caller, Kit};
use serde::Serialize;
use uuid::Uuid;

use super::rows::{self, Author, Dossier};
use crate::Error;
use crate::finals::rows::{self as finals, Finalist};
use crate::state::AppState;

const TTL: Duration = Duration::from_secs(600);

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct DossierView {
    pub finalist_id: Uuid,
    pub team: String,
    /// Title of the phase.
    pub phase: String,
    pub authors: Vec<Author>,
    pub code_url: Option<String>,
    pub commit: Option<String>,
    pub external_data: Option<String>,
    pub external_weights: Option<String>,
    /// Whether the team lets it be published.
    pub consents: Option<bool>,
    pub consented_at: Option<DateTime<Utc>>,
    pub report: Option<FileView>,
    /// The archive of the code that we keep.
    pub code: Option<CodeView>,
    /// What has to be there before it can be locked.
    pub missing: Vec<String>,
    pub locked_at: Option<DateTime<Utc>>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct FileView {
    /// As the team called it, where that was told.
    pub name: Option<String>,
    pub size_bytes: i64,
    pub sha256: String,
    pub stored_at: DateTime<Utc>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct CodeView {
    pub commit: String,
    /// The link that it was fetched by.
    pub from: String,
    pub size_bytes: i64,
    pub sha256: String,
    pub fetched_at: DateTime<Utc>,
}

impl DossierView {
    pub fn of(finalist: &Finalist, dossier: Dossier) -> Self {
        Self {
            finalist_id: finalist.id,
            team: finalist.team.clone(),
            phase: finalist.phase.clone(),
            missing: dossier.missing().into_iter().map(str::to_owned).collect(),
            report: report(&dossier),
            code: code(&dossier),
            authors: dossier.authors.0,
            code_url: dossier.code_url,
            commit: dossier.commit,
            external_data: dossier.external_data,
            external_weights: dossier.external_weights,
            consents: dossier.consents,
            consented_at: dossier.consented_at,
            locked_at: dossier.locked_at,
        }
    }
}

fn report(dossier: &Dossier) -> Option<FileView> {
    Some(FileView {
        name: dossier.report_name.clone(),
        size_bytes: dossier.report_bytes?,
        sha256: dossier.report_sha256.clone()?,
        stored_at: dossier.report_at?,
    })
}

fn code(dossier: &Dossier) -> Option<CodeView> {
    Some(CodeView {
        commit: dossier.code_commit.clone()?,
        from: dossier.code_from.clone()?,
        size_bytes: dossier.code_bytes?,
        sha256: dossier.code_sha256.clone()?,
        fetched_at: dossier.code_at?,
    })
}

/// What a finalist tells of its method: for its team, organizers and reviewers; for everybody once it is
/// published and the team consents.
#[utoipa::path(
    get,
    path = "/api/v1/finalists/{id}/dossier",
    tag = "finals",
    params(("id" = Uuid, Path)),
    responses((status = OK, body = DossierView))
)]
#[tracing::instrument(name = "dossiers.find", skip_all)]
pub async fn find(
    kit: web::Data<Kit>,
    caller: Option<Caller>,
    id: web::Path<Uuid>,
) -> Result<web::Json<DossierView>, ApiError> {
    let finalist = shown(&kit, caller.as_ref(), *id).await?;
    let dossier = rows::find(&kit.db, finalist.id).await?;
    Ok(web::Json(DossierView::of(&finalist, dossier)))
}

/// The finalist, if the caller may read its dossier.
pub async fn shown(kit: &Kit, caller: Option<&Caller>, id: Uuid) -> Result<Finalist, ApiError> {
    let finalist = finals::find(&kit.db, id).await?;
    let is_open = caller.is_some_and(|caller| finalist.is_open_to(caller));
    match is_open || finalist.tells_all() {
        true => Ok(finalist),
        false => Err(ApiError::NotFound("finalist")),
    }
}

/// Leads to the report in the object store, for ten minutes. For whom the dossier is.
#[utoipa::path(
    get,
    path = "/api/v1/finalists/{id}/report",
    tag = "finals",
    params(("id" = Uuid, Path)),
    responses((status = SEE_OTHER, description = "`Location` is where the PDF is"))
)]
#[tracing::instrument(name = "dossiers.report", skip_all)]
pub async fn download_report(
    kit: web::Data<Kit>,
    state: web::Data<AppState>,
    caller: Option<Caller>,
    id: web::Path<Uuid>,
) -> Result<HttpResponse, ApiError> {
    let finalist = shown(&kit, caller.as_ref(), *id).await?;
    let dossier = rows::find(&kit.db, finalist.id).await?;
    let key = dossier.report_key.ok_or(ApiError::NotFound("report"))?;
    lead(&state, &key, &format!("report-{}.pdf", finalist.id)).await
}

/// Leads to our snapshot of the code, for ten minutes: for the team, organizers and reviewers.
#[utoipa::path(
    get,
    path = "/api/v1/finalists/{id}/code",
    tag = "finals",
    params(("id" = Uuid, Path)),
    responses((status = SEE_OTHER, description = "`Location` is where the archive is"))
)]
#[tracing::instrument(name = "dossiers.code", skip_all)]
pub async fn download_code(
    kit: web::Data<Kit>,
    state: web::Data<AppState>,
    caller: Caller,
    id: web::Path<Uuid>,
) -> Result<HttpResponse, ApiError> {
    let finalist = finals::find(&kit.db, *id).await?;
    if !finalist.is_open_to(&caller) {
        return Err(ApiError::NotFound("finalist"));
    }
    let dossier = rows::find(&kit.db, finalist.id).await?;
    let (Some(key), Some(commit)) = (dossier.code_key, dossier.code_commit) else {
        return Err(ApiError::NotFound("snapshot of the code"));
    };
    lead(&state, &key, &format!("code-{commit}.tar.gz")).await
}

async fn lead(state: &AppState, key: &str, name: &str) -> Result<HttpResponse, ApiError> {
    let signed = state
        .store
        .presign_get(Bucket::Hidden, key, TTL, Some(name));
    let signed = signed.await.map_err(Error::from)?;
    Ok(HttpResponse::SeeOther()
        .insert_header((header::LOCATION, signed.url))
        .finish())
}
