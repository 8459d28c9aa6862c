//! `GET /api/v1/boards/{phase_id}/figures/{name}.svg`

use actix_web::{HttpRequest, HttpResponse, web};
use molar_web_kit::{ApiError, Caller, Kit};
use uuid::Uuid;

use super::svg_file::{Answer, SvgFile};

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
    let svg = SvgFile::find(&kit, path.into_inner(), caller.as_ref()).await?;
    Ok(answer(svg, &request))
}

pub fn answer(file: SvgFile, request: &HttpRequest) -> HttpResponse {
    match file.answer(request, &file.tag(""), "svg") {
        Answer::Known(answer) => answer,
        Answer::Wanted(mut answer) => answer.content_type("image/svg+xml").body(file.svg),
    }
}
