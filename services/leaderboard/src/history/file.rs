//! `GET /api/v1/boards/{phase_id}/history/{name}.svg`

use actix_web::{HttpRequest, HttpResponse, web};
use molar_domain::PhaseId;
use molar_figures::{Figure, Sheet};
use molar_web_kit::{ApiError, Caller, Kit};
use uuid::Uuid;

use super::choice::Asked;
use super::draw::{self, Kind};
use super::find::Query;
use super::see::{Seen, see};
use crate::boards;
use crate::error::Error;
use crate::figures::{self, SvgFile};
use crate::rows::phases;

const WHAT: &str = "figure of a team that you may see";

/// A team's history drawn: its rank or its value.
///
/// For whom the history is. 404 where there is nothing to draw.
#[utoipa::path(get, path = "/api/v1/boards/{phase_id}/history/{name}.svg", tag = "leaderboard",
    params(("phase_id" = Uuid, Path), ("name" = String, Path, description = "`rank` or `value`."), Query),
    responses((status = 200, content_type = "image/svg+xml", body = String), (status = 304)))]
#[tracing::instrument(name = "history.file", skip_all, fields(phase.id = %path.0))]
pub async fn file(
    kit: web::Data<Kit>,
    path: web::Path<(Uuid, String)>,
    query: web::Query<Query>,
    request: HttpRequest,
    caller: Option<Caller>,
) -> Result<HttpResponse, ApiError> {
    let asked: Asked = query.into_inner().into();
    let drawn = drawn(&kit, path.into_inner(), &asked, caller.as_ref()).await?;
    Ok(figures::file::answer(drawn, &request))
}

/// As the file that it is.
pub async fn drawn(
    kit: &Kit,
    (phase_id, name): (Uuid, String),
    asked: &Asked,
    caller: Option<&Caller>,
) -> Result<SvgFile, ApiError> {
    let phase = phases::find(&kit.db, PhaseId(phase_id)).await?;
    let board = boards::see(kit, &phase, caller, &boards::Asked::default()).await?;
    let kind = Kind::named(&name).ok_or(ApiError::NotFound(WHAT))?;
    let history = match see(kit, &phase, &board, asked).await? {
        Seen::Told(history) => history,
        Seen::Wrong(wrong) => return Err(Error::from(wrong).into()),
        Seen::Hidden(_) | Seen::Nobody => return Err(ApiError::NotFound(WHAT)),
    };
    let name = format!("history-{}", kind.name());
    let until = draw::until(&board, &history, kit.clock.now());
    let show = |figure: &dyn Figure| figure.svg(&Sheet::file(&name));
    let svg = draw::draw(kind, &history, until, show)?.ok_or(ApiError::NotFound(WHAT))?;
    Ok(SvgFile::of(&phase, &name, svg))
}
