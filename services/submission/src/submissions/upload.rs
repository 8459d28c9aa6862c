//! `GET /api/v1/submissions/{id}/upload`

use actix_web::web;
use molar_domain::upload::UploadState;
use molar_objects::Bucket;
use molar_service::db;
use molar_web_kit::{ApiError, Caller, Kit};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::access::see;
use super::parts::{self, UploadView};
use crate::rows::uploads::{self, Upload};
use crate::state::{State, ask};

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub struct Query {
    /// The first part to sign; 1 if absent.
    pub from: Option<u32>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ResumedUpload {
    #[serde(flatten)]
    upload: UploadView,
    /// Parts that have arrived: they need not be put again.
    present: Vec<PresentPart>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct PresentPart {
    number: u32,
    etag: String,
    size_bytes: u64,
}

/// Signs the parts again, to go on with an upload.
#[utoipa::path(get, path = "/api/v1/submissions/{id}/upload", tag = "submission",
    params(("id" = Uuid, Path), Query), responses((status = 200, body = ResumedUpload)))]
#[tracing::instrument(name = "submissions.upload", skip_all, fields(submission.id = %id))]
pub async fn upload(
    kit: web::Data<Kit>,
    state: web::Data<State>,
    caller: Caller,
    id: web::Path<Uuid>,
    query: web::Query<Query>,
) -> Result<web::Json<ResumedUpload>, ApiError> {
    let mut conn = kit.db.acquire().await?;
    see(&mut conn, &caller, *id).await?.require_member()?;
    let upload = uploads::find(&mut *conn, *id).await?;
    let now = db::now(&mut *conn).await?;
    drop(conn);
    require_open(&upload)?;
    if now >= upload.open_until {
        return Err(expired());
    }
    let (key, multipart) = (&upload.object_key, &upload.multipart_id);
    let present = ask(state.store.list_parts(Bucket::Uploads, key, multipart)).await?;
    let part = |part: molar_objects::Part| PresentPart {
        number: part.number,
        etag: part.etag,
        size_bytes: part.size,
    };
    Ok(web::Json(ResumedUpload {
        upload: parts::sign(&state.store, &upload, query.from.unwrap_or(1), now).await?,
        present: present.into_iter().map(part).collect(),
    }))
}

pub fn expired() -> ApiError {
    ApiError::gone(
        "the upload was not completed in time; its quota was given back, submit the file again",
    )
}

/// Fails for what was completed before, too.
pub fn require_open(upload: &Upload) -> Result<(), ApiError> {
    match upload.state.parse().map_err(ApiError::internal)? {
        UploadState::Open => Ok(()),
        UploadState::Expired => Err(expired()),
        UploadState::Cancelled => Err(ApiError::conflict("the submission was cancelled")),
        UploadState::Completed
        | UploadState::Checking
        | UploadState::Accepted
        | UploadState::Refused => Err(ApiError::conflict("the upload is already complete")),
    }
}
