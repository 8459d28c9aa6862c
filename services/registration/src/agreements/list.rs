//! `GET /api/v1/agreements`

use actix_web::web;
use chrono::{DateTime, Utc};
use molar_domain::ChallengeId;
use molar_web_kit::{ApiError, Caller, Kit, Page};
use serde::Serialize;
use uuid::Uuid;

use super::rows;

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct AgreementView {
    pub id: Uuid,
    #[schema(value_type = Uuid)]
    pub challenge_id: ChallengeId,
    /// The challenge's slug.
    pub challenge: String,
    pub version: String,
    pub text_sha256: String,
    /// As it was signed.
    pub name: String,
    pub affiliation: String,
    pub signed_at: DateTime<Utc>,
    /// Whether a newer version waits to be signed, if not.
    pub is_newest: bool,
}

/// What you signed, the last first.
#[utoipa::path(
    get,
    path = "/api/v1/agreements",
    tag = "agreements",
    responses((status = OK, body = Page<AgreementView>))
)]
#[tracing::instrument(name = "agreements.list", skip_all)]
pub async fn list(
    kit: web::Data<Kit>,
    caller: Caller,
) -> Result<web::Json<Page<AgreementView>>, ApiError> {
    let items = rows::list(&kit.db, caller.user_id).await?;
    Ok(web::Json(Page { items, next: None }))
}
