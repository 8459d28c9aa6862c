//! `POST /api/v1/workers/{id}/revoke`

use actix_web::{HttpResponse, web};
use molar_domain::WorkerId;
use molar_service::audit;
use molar_web_kit::{ApiError, Caller, Kit};
use serde_json::json;
use uuid::Uuid;

use crate::rows::workers;

/// Takes a worker's key from it at once. What it runs is given to another when its leases have run out.
#[utoipa::path(post, path = "/api/v1/workers/{id}/revoke", tag = "execution",
    params(("id" = Uuid, Path)), responses((status = 204)))]
#[tracing::instrument(name = "workers.revoke", skip_all, fields(worker.id = %*id))]
pub async fn revoke(
    kit: web::Data<Kit>,
    caller: Caller,
    id: web::Path<Uuid>,
) -> Result<HttpResponse, ApiError> {
    let (id, who, now) = (WorkerId(*id), Some(caller.user_id), kit.clock.now());
    let mut tx = kit.db.begin().await?;
    if !workers::revoke(&mut *tx, id, now).await? {
        return Err(ApiError::NotFound("worker"));
    }
    let details = json!({ "from": "enrolled", "to": "revoked" });
    audit::append(&mut tx, now, who, "worker.revoked", id.0, details, None).await?;
    tx.commit().await?;
    Ok(HttpResponse::NoContent().finish())
}
