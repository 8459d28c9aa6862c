//! `POST /api/v1/workers/enrolment-tokens`

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use chrono::{DateTime, Utc};
use molar_service::audit;
use molar_web_kit::{ApiError, Begun, Caller, Kit, Once};
use serde::Serialize;
use serde_json::json;

use crate::enrolment;

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct EnrolmentToken {
    /// Told once; good for one worker. `null` to a request that is repeated with its key.
    pub token: String,
    pub expires_at: DateTime<Utc>,
}

/// Makes a token with which one worker enrols.
#[utoipa::path(post, path = "/api/v1/workers/enrolment-tokens", tag = "execution",
    responses((status = 201, body = EnrolmentToken)))]
#[tracing::instrument(name = "workers.create_enrolment_token", skip_all)]
pub async fn create(
    kit: web::Data<Kit>,
    caller: Caller,
    once: Once,
) -> Result<HttpResponse, ApiError> {
    let now = kit.clock.now();
    let mut tx = kit.db.begin().await?;
    let once = match once.begin(&mut tx).await? {
        Begun::Replay(response) => return Ok(response),
        Begun::Fresh(once) => once,
    };
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
    let made = EnrolmentToken { token, expires_at };
    let response = once
        .finish_secret(&mut tx, StatusCode::CREATED, &made, &["token"])
        .await?;
    tx.commit().await?;
    Ok(response)
}
