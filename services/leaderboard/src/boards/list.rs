//! `GET /api/v1/boards`

use actix_web::web;
use molar_web_kit::{ApiError, Caller, Kit};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::sight::is_listed;
use crate::rows::phases;

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub struct Query {
    /// Slug of a challenge.
    pub challenge: Option<String>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Item {
    pub phase_id: Uuid,
    pub challenge: String,
    pub track: String,
    pub phase: String,
    pub title: String,
    pub state: String,
    pub is_published: bool,
    /// Of the page for people.
    pub path: String,
}

/// The boards of all challenges, or of one.
#[utoipa::path(get, path = "/api/v1/boards", tag = "leaderboard", params(Query),
    responses((status = 200, body = [Item])))]
#[tracing::instrument(name = "boards.list", skip_all)]
pub async fn list(
    kit: web::Data<Kit>,
    query: web::Query<Query>,
    caller: Option<Caller>,
) -> Result<web::Json<Vec<Item>>, ApiError> {
    let now = kit.clock.now();
    let phases = phases::list(&kit.db).await?;
    let wanted = |slug: &String| {
        query
            .challenge
            .as_ref()
            .is_none_or(|challenge| challenge == slug)
    };
    let mut items = Vec::new();
    for phase in phases {
        if !wanted(&phase.challenge_slug) || !is_listed(&phase, caller.as_ref()) {
            continue;
        }
        items.push(Item {
            phase_id: phase.id.0,
            path: phase.path(),
            state: phases::state(&kit.db, &phase, now).await?.to_string(),
            is_published: phase.window.is_published,
            title: format!("{}: {}", phase.track_title, phase.title),
            challenge: phase.challenge_slug,
            track: phase.track_slug,
            phase: phase.slug,
        });
    }
    Ok(web::Json(items))
}
