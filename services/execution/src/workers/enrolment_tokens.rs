//! `POST /api/v1/workers/enrolment-tokens`

use actix_web::{HttpResponse, web};
use chrono::{DateTime, Utc};
use molar_service::audit;
use molar_web_kit::{ApiError, Caller, Kit};
use serde::Serialize;
use serde_json::json;

use crate::enrolment;

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct EnrolmentToken {
    /// Told once; good for one worker.
    pub token: String,
    pub expires_at: DateTime<Utc>,
}

/// Makes a token with which one worker enrols.
#[utoipa::path(post, path = "/api/v1/workers/enrolment-tokens", tag = "execution",
    responses((status = 201, body = EnrolmentToken)))]
#[tracing::instrument(name = "workers.create_enrolment_token", skip_all)]
pub async fn create(kit: web::Data<Kit>, caller: Caller) -> Result<HttpResponse, ApiError> {
    let now = kit.clock.now();
    let mut tx = kit.db.begin().await?;
    let (token, expires_at) = enrolment::create(&mut *tx, now).await?;
    let (who, subject) = (Some(caller.user_id), caller.user_id.0);
    let details = json!({ "expires_at": expires_at });
    audit::append(
        &mut tx,
        now,
        who,
        "enrolment_token.created",
        subject,
        details,
        None,
    )
    .await?;
    tx.commit().await?;
    Ok(HttpResponse::Created().json(EnrolmentToken { token, expires_at }))
}
