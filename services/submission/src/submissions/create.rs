//! `POST /api/v1/submissions`

use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, web};
use chrono::{DateTime, TimeDelta, Utc};
use molar_domain::phase::{SubmissionKind, day};
use molar_domain::submission::SubmissionState;
use molar_domain::{SubmissionId, TeamId};
use molar_objects::{Bucket, Store};
use molar_service::db;
use molar_web_kit::{ApiError, Begun, Caller, Complaints, Kit, Once};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use uuid::Uuid;

use super::admission::{New, admit};
use super::parts::{self, PartView, UploadView, Wanted, sha256_of_hex};
use crate::rows::phases::Phase;
use crate::rows::uploads::{self, Upload};
use crate::rows::{ledger, life, submissions};
use crate::state::{State, ask};

/// Nobody needs longer for a file, and the parts of it cost space.
const OPEN_MAX: TimeDelta = TimeDelta::hours(uploads::OPEN_HOURS as i64);

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateSubmission {
    phase_id: Uuid,
    team_id: Uuid,
    size_bytes: u64,
    /// Of the whole file, 64 hexadecimal digits; may be told on `complete` instead. The check refuses a file of another.
    #[serde(default)]
    sha256: Option<String>,
    /// 64 hexadecimal digits by which the sender knows its file again, see `unfinished`.
    #[serde(default)]
    resume_key: Option<String>,
    /// Your own words, shown to your team.
    #[serde(default)]
    note: String,
    /// Where the code is public; some phases ask for it.
    #[serde(default)]
    code_url: Option<String>,
    /// Under which licence, as an SPDX identifier; some phases name those that they take.
    #[serde(default)]
    licence: Option<String>,
    /// Of a container: run the public case alone. Costs no chance, is never ranked, and has a daily limit of its own.
    #[serde(default)]
    is_trial: bool,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Created {
    id: Uuid,
    #[schema(value_type = String)]
    state: SubmissionState,
    /// Absent in a repeated answer once the upload is no longer open.
    #[serde(skip_serializing_if = "Option::is_none")]
    upload: Option<UploadView>,
}

impl CreateSubmission {
    fn validate(self) -> Result<New, ApiError> {
        let mut wrong = Complaints::new();
        let sizes = 1..=i64::MAX as u64;
        wrong.check(
            sizes.contains(&self.size_bytes),
            "/size_bytes",
            "must be at least 1",
        );
        let sha256 = digits(&mut wrong, "/sha256", self.sha256, WHOLE);
        let resume_key = digits(
            &mut wrong,
            "/resume_key",
            self.resume_key,
            "must be 64 hexadecimal digits",
        );
        let note = wrong.text("/note", &self.note, 0..=500);
        let code_url = self.code_url.filter(|url| !url.trim().is_empty());
        if let Some(url) = &code_url {
            let parsed = url.parse::<url::Url>();
            let is_public = parsed.is_ok_and(|url| url.scheme() == "https" && url.has_host());
            wrong.check(
                is_public && url.len() <= 500,
                "/code_url",
                "must be an https:// address of at most 500 characters",
            );
        }
        wrong.finish()?;
        Ok(New {
            phase_id: self.phase_id,
            team_id: self.team_id,
            size_bytes: self.size_bytes,
            sha256,
            resume_key,
            note,
            code_url,
            licence: self.licence,
            is_trial: self.is_trial,
        })
    }
}

pub const WHOLE: &str = "must be the 64 hexadecimal digits that `sha256sum FILE` prints";

/// A hash as people write it, in lower case.
pub fn digits(
    wrong: &mut Complaints,
    pointer: &str,
    text: Option<String>,
    complaint: &str,
) -> Option<String> {
    let text = text?.to_ascii_lowercase();
    wrong.check(sha256_of_hex(&text).is_some(), pointer, complaint);
    Some(text)
}

/// Reserves a place in the quota, unless it is a trial, and opens an upload for the file.
///
/// Call `sign` with the hashes of some parts, put each at its URL, and so on; then call `complete`. With an `Idempotency-Key` a
/// repeated request is answered with the same submission and freshly signed URLs.
#[utoipa::path(post, path = "/api/v1/submissions", tag = "submission", request_body = CreateSubmission,
    responses((status = 201, body = Created)))]
#[tracing::instrument(name = "submissions.create", skip_all, fields(submission.id))]
pub async fn create(
    kit: web::Data<Kit>,
    state: web::Data<State>,
    caller: Caller,
    once: Once,
    body: web::Json<CreateSubmission>,
) -> Result<HttpResponse, ApiError> {
    let mut new = body.into_inner().validate()?;
    let mut tx = kit.db.begin().await?;
    let once = match once.begin(&mut tx).await? {
        Begun::Replay(answer) => {
            return replay(&mut tx, &state, &caller, &answer).await;
        }
        Begun::Fresh(once) => once,
    };
    let now = db::now(&mut *tx).await?;
    let (phase, licence) = admit(&mut tx, &caller, &new, now).await?;
    new.licence = licence;
    let id = SubmissionId::at(now).0;
    tracing::Span::current().record("submission.id", tracing::field::display(id));

    let upload = open(&state.store, id, &new, &phase, now).await?;
    insert(&mut tx, &caller, &new, &phase, &upload, now).await?;
    let kept = serde_json::json!({ "id": id });
    let location = Some(path(id));
    once.finish(&mut tx, StatusCode::CREATED, location, &kept)
        .await?;
    tx.commit().await?;

    answer(&state, &upload, SubmissionState::Uploading, now, false).await
}

fn path(id: Uuid) -> String {
    format!("/api/v1/submissions/{id}")
}

/// Opened before the row is there: if the transaction fails, an empty upload is left to the store's own
/// rule for unfinished ones, and nothing else.
async fn open(
    store: &Store,
    id: Uuid,
    new: &New,
    phase: &Phase,
    now: DateTime<Utc>,
) -> Result<Upload, ApiError> {
    // Ours, never the caller's.
    let object_key = format!("submission/{id}");
    let content_type = match phase.kind {
        SubmissionKind::Predictions => "application/zip",
        SubmissionKind::Container => "application/gzip",
    };
    let opened = store.create_multipart(Bucket::Uploads, &object_key, content_type);
    Ok(Upload {
        submission_id: id,
        state: "open".to_owned(),
        multipart_id: ask(Box::pin(opened)).await?,
        object_key,
        part_size_bytes: parts::part_size(new.size_bytes).cast_signed(),
        size_bytes: new.size_bytes.cast_signed(),
        sha256: new.sha256.clone(),
        open_until: (now + OPEN_MAX).min(phase.window.uploads_until()),
    })
}

async fn insert(
    tx: &mut PgConnection,
    caller: &Caller,
    new: &New,
    phase: &Phase,
    upload: &Upload,
    now: DateTime<Utc>,
) -> Result<(), ApiError> {
    let id = upload.submission_id;
    let submission = submissions::New {
        id,
        phase_id: phase.id,
        team_id: new.team_id,
        created_by: caller.user_id.0,
        kind: phase.kind.as_str(),
        is_trial: new.is_trial,
        note: &new.note,
        code_url: new.code_url.as_deref(),
        licence: new.licence.as_deref(),
        created_at: now,
    };
    submissions::insert(&mut *tx, &submission).await?;
    let row = uploads::New {
        submission_id: id,
        object_key: &upload.object_key,
        multipart_id: &upload.multipart_id,
        part_size_bytes: upload.part_size_bytes,
        size_bytes: upload.size_bytes,
        sha256: new.sha256.as_deref(),
        resume_key: new.resume_key.as_deref(),
        open_until: upload.open_until,
        now,
    };
    uploads::insert(&mut *tx, &row).await?;
    if new.is_trial {
        return Ok(());
    }
    let place = (phase.id, new.team_id);
    ledger::reserve(&mut *tx, id, place, day(now, phase.zone), now).await?;
    Ok(())
}

async fn answer(
    state: &State,
    upload: &Upload,
    stands: SubmissionState,
    now: DateTime<Utc>,
    is_replayed: bool,
) -> Result<HttpResponse, ApiError> {
    let is_open = stands == SubmissionState::Uploading && now < upload.open_until;
    let view = Created {
        id: upload.submission_id,
        state: stands,
        upload: match is_open {
            true => Some(UploadView::of(upload, only_part(state, upload, now).await?)),
            false => None,
        },
    };
    let mut response = HttpResponse::Created();
    response.insert_header((header::LOCATION, path(upload.submission_id)));
    if is_replayed {
        response.insert_header(("idempotent-replayed", "true"));
    }
    Ok(response.json(view))
}

/// Of most predictions all is known on create: they need no call to sign.
async fn only_part(
    state: &State,
    upload: &Upload,
    now: DateTime<Utc>,
) -> Result<Vec<PartView>, ApiError> {
    let sha256 = upload.sha256.as_deref().and_then(sha256_of_hex);
    match sha256 {
        Some(sha256) if upload.size_bytes <= upload.part_size_bytes => {
            let whole = Wanted { number: 1, sha256 };
            parts::sign(state, upload, &[whole], now).await
        }
        _ => Ok(Vec::new()),
    }
}

/// The kept answer holds no URL: they are secrets, and would have run out.
async fn replay(
    tx: &mut PgConnection,
    state: &State,
    caller: &Caller,
    kept: &HttpResponse,
) -> Result<HttpResponse, ApiError> {
    let location = kept.headers().get(header::LOCATION);
    let id = location.and_then(|path| path.to_str().ok()?.rsplit('/').next()?.parse().ok());
    let id: Uuid = id.ok_or_else(|| ApiError::internal("a kept answer without its submission"))?;
    let gone = || ApiError::NotFound("submission");
    let life = life::find(&mut *tx, id).await?.ok_or_else(gone)?;
    // Whoever left the team since then gets no new URLs for its file.
    caller.require_member(TeamId(life.team_id))?;
    let upload = uploads::find(&mut *tx, id).await?;
    let now = db::now(&mut *tx).await?;
    answer(state, &upload, life.state()?, now, true).await
}

#[cfg(test)]
mod tests;
