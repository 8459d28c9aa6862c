//! `GET /api/v1/challenges`

use actix_web::web;
use molar_web_kit::{ApiError, Kit};
use serde::Serialize;
use uuid::Uuid;

use super::rows::{self, Challenge};

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ChallengeList {
    pub items: Vec<ChallengeItem>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ChallengeItem {
    pub id: Uuid,
    pub slug: String,
    pub title: String,
    pub summary: String,
    /// IANA zone in which days are counted.
    pub zone: String,
    pub note: Option<String>,
}

impl From<Challenge> for ChallengeItem {
    fn from(row: Challenge) -> Self {
        Self {
            id: row.id,
            slug: row.slug,
            title: row.title,
            summary: row.summary,
            zone: row.zone,
            note: row.note,
        }
    }
}

/// All challenges, the newest first.
#[utoipa::path(
    get,
    path = "/api/v1/challenges",
    tag = "challenges",
    responses((status = OK, body = ChallengeList))
)]
#[tracing::instrument(name = "challenges.list", skip_all)]
pub async fn list(kit: web::Data<Kit>) -> Result<web::Json<ChallengeList>, ApiError> {
    let rows = rows::list(&kit.db).await?;
    let items = rows.into_iter().map(ChallengeItem::from).collect();
    Ok(web::Json(ChallengeList { items }))
}
