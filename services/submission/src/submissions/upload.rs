//! `GET /api/v1/submissions/{id}/upload`

use actix_web::web;
use molar_domain::upload::UploadState;
use molar_objects::Bucket;
use molar_service::db;
use molar_web_kit::{ApiError, Caller, Kit};
use serde::Serialize;
use uuid::Uuid;

use super::access::see_own;
use super::parts::UploadView;
use crate::rows::uploads::{self, Upload};
use crate::state::{State, ask};

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ResumedUpload {
    #[serde(flatten)]
    upload: UploadView,
    size_bytes: i64,
    /// Of the whole file, if it was declared.
    sha256: Option<String>,
    /// Parts that have arrived: where the file has the same, they need not be put again.
    present: Vec<PresentPart>,
    /// Everything arrived and was put together before, and nobody heard of it: only `complete` is left.
    is_whole: bool,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct PresentPart {
    number: u32,
    etag: String,
    size_bytes: u64,
    /// Hex, as it was signed.
    sha256: Option<String>,
}

/// What has arrived of an upload, to go on with it.
#[utoipa::path(get, path = "/api/v1/submissions/{id}/upload", tag = "submission",
    params(("id" = Uuid, Path)), responses((status = 200, body = ResumedUpload)))]
#[tracing::instrument(name = "submissions.upload", skip_all, fields(submission.id = %id))]
pub async fn upload(
    kit: web::Data<Kit>,
    state: web::Data<State>,
    caller: Caller,
    id: web::Path<Uuid>,
) -> Result<web::Json<ResumedUpload>, ApiError> {
    let mut conn = kit.db.acquire().await?;
    see_own(&mut conn, &caller, *id).await?;
    let upload = uploads::find(&mut *conn, *id).await?;
    let now = db::now(&mut *conn).await?;
    drop(conn);
    require_open(&upload)?;
    if now >= upload.open_until {
        return Err(expired());
    }
    let (key, multipart) = (&upload.object_key, &upload.multipart_id);
    let (present, is_whole) =
        match ask(state.store.list_parts(Bucket::Uploads, key, multipart)).await {
            Ok(present) => (present, false),
            Err(ApiError::Gone(_)) if ask(state.store.head(Bucket::Uploads, key)).await.is_ok() => {
                (Vec::new(), true)
            }
            Err(error) => return Err(error),
        };
    let part = |part: molar_objects::Part| PresentPart {
        number: part.number,
        etag: part.etag,
        size_bytes: part.size,
        sha256: part.sha256.map(hex::encode),
    };
    Ok(web::Json(ResumedUpload {
        size_bytes: upload.size_bytes,
        sha256: upload.sha256.clone(),
        upload: UploadView::of(&upload, Vec::new()),
        present: present.into_iter().map(part).collect(),
        is_whole,
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

#[cfg(test)]
mod tests {
    use molar_objects::Bucket;
    use serde_json::json;
    use sqlx::PgPool;

    use crate::rows::uploads;
    use crate::testing::World;

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_file_that_was_put_together_unheard_is_only_completed(pool: PgPool) {
        let world = World::new(&pool).await;
        let (id, _) = world.put(b"some bytes", b"some bytes").await;
        let path = format!("/api/v1/submissions/{id}/upload");
        assert_eq!(world.get(&path).await.1["is_whole"], false);
        // What a `complete` does whose answer, and row, were lost.
        let upload = uploads::find(&pool, id).await.unwrap();
        let (key, multipart) = (&upload.object_key, &upload.multipart_id);
        let (store, bucket) = (&world.store, Bucket::Uploads);
        let parts = store.list_parts(bucket, key, multipart).await.unwrap();
        let made = store.complete_multipart(bucket, key, multipart, &parts);
        made.await.unwrap();
        let (status, found) = world.get(&path).await;
        assert_eq!(
            (status.as_u16(), &found["is_whole"], &found["present"]),
            (200, &json!(true), &json!([])),
            "{found}"
        );
        world.complete(id).await;
        assert_eq!(uploads::find(&pool, id).await.unwrap().state, "completed");
    }
}
