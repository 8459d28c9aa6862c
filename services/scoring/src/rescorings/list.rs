//! `GET /api/v1/rescorings`

use actix_web::web;
use molar_domain::ChallengeId;
use molar_web_kit::{ApiError, Caller, Kit};
use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use uuid::Uuid;

use super::RescoringView;
use super::rows::{self, Filter};
use crate::error::Result;

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub struct Query {
    pub phase_id: Option<Uuid>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Rescorings {
    pub items: Vec<RescoringView>,
}

/// Re-scorings of the challenges that you organize or review, newest first.
#[utoipa::path(get, path = "/api/v1/rescorings", tag = "scoring", params(Query),
    responses((status = 200, body = Rescorings)))]
#[tracing::instrument(name = "rescorings.list", skip_all)]
pub async fn list(
    kit: web::Data<Kit>,
    query: web::Query<Query>,
    caller: Caller,
) -> Result<web::Json<Rescorings>, ApiError> {
    let items = of_caller(&kit.db, &caller, query.phase_id).await?;
    Ok(web::Json(Rescorings { items }))
}

pub async fn of_caller(
    db: &PgPool,
    caller: &Caller,
    phase: Option<Uuid>,
) -> Result<Vec<RescoringView>> {
    let challenges: Vec<Uuid> = caller
        .organizer_of
        .iter()
        .chain(&caller.reviewer_of)
        .map(|ChallengeId(id)| *id)
        .collect();
    let filter = Filter {
        id: None,
        phase,
        challenges: (!caller.is_admin).then_some(&challenges),
    };
    let mut items = Vec::new();
    for row in rows::list(db, filter).await? {
        items.push(RescoringView::of(db, row).await?);
    }
    Ok(items)
}
