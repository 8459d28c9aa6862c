//! `GET /api/v1/boards/{phase_id}`

use actix_web::web;
use chrono::{DateTime, Utc};
use molar_domain::PhaseId;
use molar_web_kit::{ApiError, Caller, Kit};
use serde::Deserialize;
use uuid::Uuid;

use super::view::{Board, see};
use crate::rows::phases;

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub struct Query {
    /// Shows the board as it was at this moment.
    pub at: Option<DateTime<Utc>>,
}

/// A phase's board: ranks, values and how they were made.
#[utoipa::path(get, path = "/api/v1/boards/{phase_id}", tag = "leaderboard",
    params(("phase_id" = Uuid, Path), Query),
    responses((status = 200, body = Board)))]
#[tracing::instrument(name = "boards.find", skip_all, fields(phase.id = %phase_id))]
pub async fn find(
    kit: web::Data<Kit>,
    phase_id: web::Path<Uuid>,
    query: web::Query<Query>,
    caller: Option<Caller>,
) -> Result<web::Json<Board>, ApiError> {
    let phase = phases::find(&kit.db, PhaseId(*phase_id)).await?;
    let board = see(&kit.db, phase, caller.as_ref(), kit.clock.now(), query.at).await?;
    Ok(web::Json(board))
}
