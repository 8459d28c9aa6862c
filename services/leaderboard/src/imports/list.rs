//! `GET /api/v1/boards/imported`

use actix_web::web;
use molar_web_kit::{ApiError, Kit};
use serde::Deserialize;

use super::rows::{self, Asked};
use super::view::Item;

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Query {
    /// Slug of a challenge.
    challenge: Option<String>,
}

/// The boards that were imported from published tables: of all challenges, or of one.
#[utoipa::path(get, path = "/api/v1/boards/imported", tag = "leaderboard", params(Query),
    responses((status = 200, body = [Item])))]
#[tracing::instrument(name = "imports.list", skip_all)]
pub async fn list(
    kit: web::Data<Kit>,
    query: web::Query<Query>,
) -> Result<web::Json<Vec<Item>>, ApiError> {
    let asked = Asked {
        challenge: query.challenge.as_deref(),
        ..Asked::default()
    };
    let imports = rows::list(&kit.db, asked).await?;
    Ok(web::Json(imports.into_iter().map(Item::from).collect()))
}
