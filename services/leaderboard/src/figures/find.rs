//! `GET /api/v1/boards/{phase_id}/figures`

use actix_web::web;
use chrono::{DateTime, Utc};
use molar_domain::PhaseId;
use molar_web_kit::{ApiError, Caller, Kit};
use serde::Serialize;
use uuid::Uuid;

use super::rows::{self, Shown};
use super::view::see;
use crate::rows::phases;

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Figures {
    pub phase_id: Uuid,
    /// Why there are none, where the board is hidden from this caller.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hidden: Option<&'static str>,
    /// Of the ranking that is drawn; absent where nothing is, or where the board does not show names and values.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<i32>,
    /// When they were drawn: at most once a minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub as_of: Option<DateTime<Utc>>,
    /// Whether that is the version that the board shows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_current: Option<bool>,
    pub figures: Vec<Item>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Item {
    pub name: String,
    pub title: String,
    /// How it is to be read.
    pub note: String,
    /// Of the SVG.
    pub path: String,
    /// Of the PNG, for which a scale may be asked.
    pub picture: String,
}

impl Item {
    pub fn of(phase_id: PhaseId, drawn: &Shown) -> Self {
        Self {
            name: drawn.name.clone(),
            title: drawn.title.clone(),
            note: drawn.note.clone(),
            path: address(phase_id, &drawn.name, "svg"),
            picture: address(phase_id, &drawn.name, "png"),
        }
    }
}

/// Of a figure as a file.
pub fn address(phase: PhaseId, name: &str, ending: &str) -> String {
    format!("/api/v1/boards/{phase}/figures/{name}.{ending}")
}

/// The figures of a board: what there is, of which version.
#[utoipa::path(get, path = "/api/v1/boards/{phase_id}/figures", tag = "leaderboard",
    params(("phase_id" = Uuid, Path)),
    responses((status = 200, body = Figures)))]
#[tracing::instrument(name = "figures.find", skip_all, fields(phase.id = %phase_id))]
pub async fn find(
    kit: web::Data<Kit>,
    phase_id: web::Path<Uuid>,
    caller: Option<Caller>,
) -> Result<web::Json<Figures>, ApiError> {
    let id = PhaseId(*phase_id);
    let phase = phases::find(&kit.db, id).await?;
    let seen = see(&kit, &phase, caller.as_ref()).await?;
    let is_current = seen.is_current();
    let mut figures = Figures {
        phase_id: id.0,
        hidden: seen.board.hidden,
        version: None,
        as_of: None,
        is_current: None,
        figures: Vec::new(),
    };
    if let Some(drawing) = seen.drawing {
        let drawn = rows::list(&kit.db, id, drawing.version).await?;
        figures.is_current = Some(is_current);
        figures.version = Some(drawing.version);
        figures.as_of = Some(drawing.made_at);
        figures.figures = drawn.iter().map(|drawn| Item::of(id, drawn)).collect();
    }
    Ok(web::Json(figures))
}
