//! `GET /api/v1/boards/{phase_id}/archive`

use std::fs::File;
use std::io::{Seek as _, SeekFrom};

use actix_web::body::SizedStream;
use actix_web::{HttpResponse, web};
use molar_domain::PhaseId;
use molar_web_kit::{ApiError, Caller, Kit};
use tokio::sync::Semaphore;
use tokio_util::io::ReaderStream;
use uuid::Uuid;

use super::gather::gather;
use super::pack::pack;
use crate::error::Error;

/// One is written at a time: whoever asks for many waits, and nobody else does.
static TURN: Semaphore = Semaphore::const_new(1);

/// A finished phase as one ZIP, an RO-Crate: definition, scores per case, ranks, statistics, figures, checksums.
///
/// For organizers and reviewers once its ranks are final, for all once it is published; 404 where the board does not show
/// names and values exactly, 409 while there is none yet. Where running time or GPU memory was measured, all but organizers
/// and reviewers get the public edition, which has means of them and no values per case. The same version of the ranking
/// gives the same bytes, unless a name, a link to code, a baseline or the like was changed.
#[utoipa::path(get, path = "/api/v1/boards/{phase_id}/archive", tag = "leaderboard",
    params(("phase_id" = Uuid, Path)),
    responses((status = 200, content_type = "application/zip", body = Vec<u8>), (status = 409)))]
#[tracing::instrument(name = "archive.find", skip_all, fields(phase.id = %phase_id))]
pub async fn archive(
    kit: web::Data<Kit>,
    phase_id: web::Path<Uuid>,
    caller: Option<Caller>,
) -> Result<HttpResponse, ApiError> {
    let turn = TURN.acquire().await.map_err(ApiError::internal)?;
    let content = gather(&kit, PhaseId(*phase_id), caller.as_ref()).await?;
    let phase = &content.phase;
    let name = format!(
        "{}-{}-{}-v{}{}.zip",
        phase.challenge,
        phase.track,
        phase.phase,
        content.ranking.version,
        phase.edition.suffix(),
    );
    let written = tokio::task::spawn_blocking(move || {
        let mut file = tempfile::tempfile()?;
        pack(&content, &mut file)?;
        file.seek(SeekFrom::Start(0))?;
        let size = file.metadata()?.len();
        Ok::<(File, u64), std::io::Error>((file, size))
    });
    let (file, size) = written.await.map_err(Error::from)?.map_err(Error::from)?;
    drop(turn);
    let pieces = ReaderStream::with_capacity(tokio::fs::File::from_std(file), 1 << 16);
    Ok(HttpResponse::Ok()
        .content_type("application/zip")
        .insert_header((
            "content-disposition",
            format!("attachment; filename=\"{name}\""),
        ))
        .body(SizedStream::new(size, pieces)))
}
