//! `POST /api/v1/finalists/{id}/report` and `…/report/stored`: the PDF goes straight to the object store.

use std::time::Duration;

use actix_web::web;
use molar_objects::Bucket;
use molar_web_kit::{ApiError, Caller, Complaints, Kit};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::find::DossierView;
use super::keep::{self, MOST_BYTES, Report};
use super::rows;
use crate::cases::announce::{Content, Upload, is_sha256};
use crate::finals::rows as finals;
use crate::state::AppState;

/// For 20 MiB, also over a slow line.
const TTL: Duration = Duration::from_secs(3600);

const NO_HASH: &str = "must be 64 hexadecimal digits in lower case";

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AnnounceReport {
    /// 20 MiB at most.
    pub size_bytes: i64,
    /// 64 hexadecimal digits.
    pub sha256: String,
    /// Of the file, to be shown beside it.
    #[schema(max_length = 200)]
    pub name: Option<String>,
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
    let now = kit.clock.now();
    body.check()?;
    let key = keep::new_key(finalist.id, now);

    let mut tx = kit.db.begin().await?;
    let before = rows::lock(&mut tx, finalist.id, &caller, now).await?;
    rows::require_open(&finalist, &before, now)?;
    sqlx::query!(
        "UPDATE tracks.dossiers SET announced_key = $2, announced_sha256 = $3, announced_name = $4 WHERE finalist_id = $1",
        finalist.id,
        key,
        body.sha256,
        body.name,
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    keep::forget(&state.store, before.announced_key.as_deref()).await;

    let content = Content {
        key,
        size_bytes: body.size_bytes,
        sha256: body.sha256.clone(),
    };
    let upload = content.sign(&state.store, Bucket::Hidden, TTL).await?;
    Ok(web::Json(AnnouncedReport { upload }))
}

impl AnnounceReport {
    fn check(&self) -> Result<(), ApiError> {
        let mut wrong = Complaints::new();
        let is_fit = (1..=MOST_BYTES).contains(&self.size_bytes);
        wrong.check(
            is_fit,
            "/size_bytes",
            "must be 1 byte to 20 MiB; make the pictures of the report smaller",
        );
        wrong.check(is_sha256(&self.sha256), "/sha256", NO_HASH);
        if let Some(name) = &self.name {
            let is_fit = (1..=200).contains(&name.chars().count());
            let is_plain = !name.chars().any(char::is_control);
            wrong.check(
                is_fit && is_plain,
                "/name",
                "must be 1 to 200 characters of a file's name",
            );
        }
        wrong.finish()
    }
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
        return Err(ApiError::invalid("/sha256", NO_HASH));
    }
    let dossier = rows::find(&kit.db, finalist.id).await?;
    let dossier = match dossier.announced_key.clone() {
        Some(key) if dossier.announced_sha256.as_ref() == Some(&body.sha256) => {
            // Read before the transaction: the store may be slow.
            let report = Report::find(&state.store, key, &body.sha256).await?;
            let now = kit.clock.now();
            report
                .write(&kit, &state.store, &caller, &finalist, now)
                .await?
        }
        // Said again.
        _ if dossier.report_sha256.as_ref() == Some(&body.sha256) => dossier,
        _ => {
            let why = "no report with this hash is announced: announce it, and put it at the URL that is told";
            return Err(ApiError::invalid("/sha256", why));
        }
    };
    Ok(web::Json(DossierView::of(&finalist, dossier)))
}
