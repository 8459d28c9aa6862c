//! `GET /api/v1/boards/{phase_id}/figures/{name}.svg`

use actix_web::http::header::{self, ETag, EntityTag};
use actix_web::{HttpRequest, HttpResponse, web};
use molar_domain::PhaseId;
use molar_web_kit::{ApiError, Caller, Kit};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::rows;
use super::view::see;
use crate::kept::is_known;
use crate::rows::phases;

/// It has rules of its own for light and dark, and is allowed nothing else, whoever opens it.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";

const WHAT: &str = "figure of this board that you may see";

/// A figure of a board as a file, light or dark as whoever opens it prefers.
///
/// 404 to whoever does not see the board with names and values of the version that is drawn, and where there is no such
/// figure.
#[utoipa::path(get, path = "/api/v1/boards/{phase_id}/figures/{name}.svg", tag = "leaderboard",
    params(("phase_id" = Uuid, Path), ("name" = String, Path, description = "From the list of the board's figures.")),
    responses((status = 200, content_type = "image/svg+xml", body = String), (status = 304)))]
#[tracing::instrument(name = "figures.file", skip_all, fields(phase.id = %path.0))]
pub async fn file(
    kit: web::Data<Kit>,
    path: web::Path<(Uuid, String)>,
    request: HttpRequest,
    caller: Option<Caller>,
) -> Result<HttpResponse, ApiError> {
    let (id, name) = path.into_inner();
    let id = PhaseId(id);
    let phase = phases::find(&kit.db, id).await?;
    let named = format!(
        "{}-{}-{}-{name}.svg",
        phase.challenge_slug, phase.track_slug, phase.slug
    );
    let seen = see(&kit, &phase, caller.as_ref()).await?;
    let drawing = seen.drawing.ok_or(ApiError::NotFound(WHAT))?;
    let file = rows::file(&kit.db, id, drawing.version, &name)
        .await?
        .ok_or(ApiError::NotFound(WHAT))?;
    let tag = EntityTag::new_strong(hex::encode(&Sha256::digest(&file)[..16]));
    let mut answer = match is_known(&request, &tag) {
        true => HttpResponse::NotModified(),
        false => HttpResponse::Ok(),
    };
    answer
        .insert_header(ETag(tag.clone()))
        // To be asked for each time: who may see it changes.
        .insert_header((header::CACHE_CONTROL, "private, no-cache"))
        .insert_header((header::CONTENT_SECURITY_POLICY, POLICY))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"));
    if is_known(&request, &tag) {
        return Ok(answer.finish());
    }
    Ok(answer
        .content_type("image/svg+xml")
        .insert_header((
            header::CONTENT_DISPOSITION,
            format!("inline; filename=\"{named}\""),
        ))
        .body(file))
}
