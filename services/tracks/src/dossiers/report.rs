//! `POST /api/v1/finalists/{id}/report` and `…/report/stored`: the PDF goes straight to the object store.

use actix_web::web;
use molar_objects::{Bucket, Store};
use molar_web_kit::{ApiError, Caller, Complaints, Kit};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::find::DossierView;
use super::rows;
use crate::Error;
use crate::cases::announce::{Content, TTL, Upload, is_sha256};
use crate::finals::rows as finals;
use crate::state::AppState;

pub const MOST_BYTES: i64 = 20 << 20;

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AnnounceReport {
    /// 20 MiB at most.
    pub size_bytes: i64,
    /// 64 hexadecimal digits.
    pub sha256: String,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct AnnouncedReport {
    pub upload: Upload,
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StoredReport {
    pub sha256: String,
}

/// Says where the report of a finalist, a PDF, is to be put. For its team, as long as its dossier is open.
#[utoipa::path(
    post,
    path = "/api/v1/finalists/{id}/report",
    tag = "finals",
    params(("id" = Uuid, Path)),
    responses((status = OK, body = AnnouncedReport))
)]
#[tracing::instrument(name = "dossiers.announce_report", skip_all)]
pub async fn announce(
    kit: web::Data<Kit>,
    state: web::Data<AppState>,
    caller: Caller,
    id: web::Path<Uuid>,
    body: web::Json<AnnounceReport>,
) -> Result<web::Json<AnnouncedReport>, ApiError> {
    let finalist = finals::find(&kit.db, *id).await?;
    rows::require_own(&finalist, &caller)?;
    let dossier = rows::find(&kit.db, finalist.id).await?;
    rows::require_open(&finalist, &dossier, kit.clock.now())?;
    let mut wrong = Complaints::new();
    let is_fit = (1..=MOST_BYTES).contains(&body.size_bytes);
    wrong.check(
        is_fit,
        "/size_bytes",
        "must be 1 byte to 20 MiB; make the pictures of the report smaller",
    );
    let is_hash = is_sha256(&body.sha256);
    wrong.check(
        is_hash,
        "/sha256",
        "must be 64 hexadecimal digits in lower case",
    );
    wrong.finish()?;
    let content = Content {
        key: key_of(finalist.id, &body.sha256),
        size_bytes: body.size_bytes,
        sha256: body.sha256.clone(),
    };
    let upload = content.sign(&state.store, Bucket::Hidden, TTL).await?;
    Ok(web::Json(AnnouncedReport { upload }))
}

/// The hash is signed, so nothing else can be put there.
fn key_of(finalist: Uuid, sha256: &str) -> String {
    format!("finals/{finalist}/{sha256}.pdf")
}

/// Says that the report was put: it is looked at, and takes the place of the one before.
#[utoipa::path(
    post,
    path = "/api/v1/finalists/{id}/report/stored",
    tag = "finals",
    params(("id" = Uuid, Path)),
    responses((status = OK, body = DossierView))
)]
#[tracing::instrument(name = "dossiers.stored_report", skip_all)]
pub async fn stored(
    kit: web::Data<Kit>,
    state: web::Data<AppState>,
    caller: Caller,
    id: web::Path<Uuid>,
    body: web::Json<StoredReport>,
) -> Result<web::Json<DossierView>, ApiError> {
    let finalist = finals::find(&kit.db, *id).await?;
    rows::require_own(&finalist, &caller)?;
    if !is_sha256(&body.sha256) {
        let wrong = "must be 64 hexadecimal digits in lower case";
        return Err(ApiError::invalid("/sha256", wrong));
    }
    let now = kit.clock.now();
    // Read before the transaction: the store may be slow.
    let key = key_of(finalist.id, &body.sha256);
    let size = look(&state.store, &key).await?;

    let mut tx = kit.db.begin().await?;
    let before = rows::lock(&mut tx, finalist.id, &caller, now).await?;
    rows::require_open(&finalist, &before, now)?;
    sqlx::query!(
        "UPDATE tracks.dossiers SET report_key = $2, report_bytes = $3, report_sha256 = $4, report_at = $5,
                changed_by = $6, changed_at = $5 WHERE finalist_id = $1",
        finalist.id,
        key,
        size,
        body.sha256,
        now,
        caller.user_id.0,
    )
    .execute(&mut *tx)
    .await?;
    let dossier = rows::find(&mut *tx, finalist.id).await?;
    tx.commit().await?;
    let old = before.report_key.filter(|old| *old != key);
    forget(&state.store, old.as_deref()).await;
    Ok(web::Json(DossierView::of(&finalist, dossier)))
}

/// The size of what was put, if it is a report.
async fn look(store: &Store, key: &str) -> Result<i64, ApiError> {
    let most = MOST_BYTES.unsigned_abs();
    let bytes = match store.get_bytes(Bucket::Hidden, key, most).await {
        Ok(bytes) => bytes,
        Err(molar_objects::Error::NotFound) => {
            let why =
                "the report is not in the store; put it first, at the URL of its announcement";
            return Err(ApiError::invalid("/sha256", why));
        }
        Err(error) => return Err(Error::from(error).into()),
    };
    match is_pdf(&bytes) {
        true => i64::try_from(bytes.len()).map_err(ApiError::internal),
        false => Err(ApiError::invalid(
            "/sha256",
            "the file is no whole PDF: it has to begin with %PDF- and to end with %%EOF; export the report anew",
        )),
    }
}

/// By its first and last marks; the last may be followed by some bytes, as by readers' custom.
fn is_pdf(bytes: &[u8]) -> bool {
    let tail = &bytes[bytes.len().saturating_sub(1024)..];
    bytes.starts_with(b"%PDF-") && tail.windows(5).any(|at| at == b"%%EOF")
}

/// Nothing names the object any more: one that stays only takes space.
pub async fn forget(store: &Store, key: Option<&str>) {
    let Some(key) = key else { return };
    if let Err(error) = store.delete(Bucket::Hidden, key).await {
        tracing::warn!(
            error = &error as &dyn std::error::Error,
            "an object of a dossier that was replaced stays in the store"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::is_pdf;

    #[test]
    fn a_pdf_is_known_by_both_its_ends() {
        assert!(is_pdf(b"%PDF-1.7 ... %%EOF\n"));
        assert!(!is_pdf(b"%PDF-1.7 cut off"));
        assert!(!is_pdf(b"<html> %PDF- %%EOF"));
        assert!(!is_pdf(b"PK\x03\x04"));
        assert!(!is_pdf(b""));
        let mut early = b"%PDF-1.7 %%EOF".to_vec();
        early.extend([b' '; 2000]);
        assert!(!is_pdf(&early));
    }
}
