//! `GET /api/v1/challenges/{slug}/changes`

use actix_web::web;
use molar_domain::ChallengeId;
use molar_web_kit::{ApiError, Caller, Kit, Page, PageQuery};

use super::history::{self, ChangeView};
use super::rows;

/// What was changed of a challenge, by whom and why, the newest first; for organizers and reviewers.
#[utoipa::path(
    get,
    path = "/api/v1/challenges/{slug}/changes",
    tag = "challenges",
    params(("slug" = String, Path), PageQuery),
    responses((status = OK, body = Page<ChangeView>))
)]
#[tracing::instrument(name = "challenges.changes", skip_all)]
pub async fn changes(
    kit: web::Data<Kit>,
    caller: Caller,
    slug: web::Path<String>,
    query: web::Query<PageQuery>,
) -> Result<web::Json<Page<ChangeView>>, ApiError> {
    let challenge = rows::find(&kit.db, &slug).await?;
    caller.require_reviewer(ChallengeId(challenge.id))?;
    Ok(web::Json(
        history::page(&kit.db, challenge.id, &query).await?,
    ))
}
