//! `GET /api/v1/case-runs/{id}/log`

use actix_web::http::header;
use actix_web::{HttpResponse, web};
use molar_web_kit::{ApiError, Caller, Kit};
use uuid::Uuid;

use super::{access, text};
use crate::state::State;

/// What the container wrote, byte for byte; of a public case that runs, so far.
///
/// For the team of a public case, organizers and reviewers. The log of a hidden case is for organizers: a container
/// could write the image into it. A team reads it once an organizer has released it.
#[utoipa::path(get, path = "/api/v1/case-runs/{id}/log", tag = "execution", params(("id" = Uuid, Path)),
    responses((status = 200, body = String, content_type = "text/plain")))]
#[tracing::instrument(name = "case_runs.find_log", skip_all, fields(case_run.id = %*id))]
pub async fn find(
    kit: web::Data<Kit>,
    state: web::Data<State>,
    caller: Caller,
    id: web::Path<Uuid>,
) -> Result<HttpResponse, ApiError> {
    let log = access::see(&kit.db, &caller, *id).await?;
    let mut answer = HttpResponse::Ok();
    answer
        .content_type("text/plain; charset=utf-8")
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"));
    if let Some(key) = &log.key {
        return Ok(match text::stream(&state.store, key).await? {
            Some(stream) => answer.streaming(stream),
            None => answer.finish(),
        });
    }
    let bytes = text::read(&kit.db, &state.store, &log, 0).await?;
    if bytes.is_empty() {
        return Err(access::none());
    }
    Ok(answer.body(bytes))
}
