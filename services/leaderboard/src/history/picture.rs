//! `GET /api/v1/boards/{phase_id}/history/{name}.png`

use actix_web::{HttpRequest, HttpResponse, web};
use molar_web_kit::{ApiError, Caller, Kit};
use serde::Deserialize;
use uuid::Uuid;

use super::choice::Asked;
use super::file::drawn;
use crate::figures;

// Not that of the JSON flattened: serde then neither reads the number nor refuses what it does not know.
/// Whose history, by what, and how large.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub struct Query {
    /// Name of a team, as on the board; without it the first there.
    team: Option<String>,
    /// Name of a metric of the board; without it the first.
    metric: Option<String>,
    /// Pixels for each of the SVG's: 1, 2 (the default), 3 or 4.
    #[param(minimum = 1, maximum = 4)]
    scale: Option<u8>,
}

/// A team's history as a picture, for slides and print: always light.
///
/// For whom the SVG is. 503 with `Retry-After` while too many wait for theirs to be drawn.
#[utoipa::path(get, path = "/api/v1/boards/{phase_id}/history/{name}.png", tag = "leaderboard",
    params(("phase_id" = Uuid, Path), ("name" = String, Path, description = "`rank` or `value`."), Query),
    responses((status = 200, content_type = "image/png", body = Vec<u8>), (status = 304), (status = 503)))]
#[tracing::instrument(name = "history.picture", skip_all, fields(phase.id = %path.0))]
pub async fn picture(
    kit: web::Data<Kit>,
    path: web::Path<(Uuid, String)>,
    query: web::Query<Query>,
    request: HttpRequest,
    caller: Option<Caller>,
) -> Result<HttpResponse, ApiError> {
    let query = query.into_inner();
    let scale = figures::picture::scale(query.scale)?;
    let asked = Asked::of(query.team, query.metric);
    let drawn = drawn(&kit, path.into_inner(), &asked, caller.as_ref()).await?;
    figures::picture::answer(drawn, &request, scale).await
}
