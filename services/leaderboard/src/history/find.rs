//! `GET /api/v1/boards/{phase_id}/history`

use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, Utc};
use molar_domain::PhaseId;
use molar_web_kit::{ApiError, Caller, Kit};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::choice::Asked;
use super::see::{Seen, TeamHistory, see};
use crate::boards;
use crate::error::Error;
use crate::kept::tagged;
use crate::rows::phases;

/// Whose history, and by what.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub struct Query {
    /// Name of a team, as on the board; without it the first there.
    team: Option<String>,
    /// Name of a metric of the board; without it the first.
    metric: Option<String>,
}

impl From<Query> for Asked {
    fn from(query: Query) -> Self {
        Self::of(query.team, query.metric)
    }
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct History {
    pub phase_id: Uuid,
    /// Why there is none, where the board does not tell this caller names and values exactly.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hidden: Option<&'static str>,
    /// Since when the board stands still for this caller.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frozen_at: Option<DateTime<Utc>>,
    /// Absent where it is hidden, or nobody is on the board.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub history: Option<TeamHistory>,
}

/// One team through all versions of a board: its rank, and its mean by one metric, wherever one of them changed.
///
/// Up to the version that the board shows. 404 for a team or a metric that is not on it.
#[utoipa::path(get, path = "/api/v1/boards/{phase_id}/history", tag = "leaderboard",
    params(("phase_id" = Uuid, Path), Query),
    responses((status = 200, body = History), (status = 304)))]
#[tracing::instrument(name = "history.find", skip_all, fields(phase.id = %phase_id))]
pub async fn find(
    kit: web::Data<Kit>,
    phase_id: web::Path<Uuid>,
    query: web::Query<Query>,
    request: HttpRequest,
    caller: Option<Caller>,
) -> Result<HttpResponse, ApiError> {
    let phase = phases::find(&kit.db, PhaseId(*phase_id)).await?;
    let board = boards::see(&kit, &phase, caller.as_ref(), &boards::Asked::default()).await?;
    let asked: Asked = query.into_inner().into();
    let mut told = History {
        phase_id: phase.id.0,
        hidden: None,
        frozen_at: board.frozen_at,
        history: None,
    };
    match see(&kit, &phase, &board, &asked).await? {
        Seen::Hidden(why) => told.hidden = Some(why),
        Seen::Nobody => {}
        Seen::Wrong(wrong) => return Err(Error::from(wrong).into()),
        Seen::Told(history) => told.history = Some(history),
    }
    tagged(&request, HttpResponse::Ok().json(told), caller.is_some())
}
