//! `POST /api/v1/boards/imported/{id}/remove`

use actix_web::web;
use molar_service::audit;
use molar_web_kit::{ApiError, Caller, Complaints, Kit};
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use super::rows::{self, Asked};
use super::view::Item;

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RemoveBoard {
    /// Kept in the audit log.
    #[schema(min_length = 1, max_length = 1000)]
    reason: String,
}

/// Takes an imported board away; by an organizer of its challenge. Its name is free again.
#[utoipa::path(post, path = "/api/v1/boards/imported/{id}/remove", tag = "leaderboard",
    params(("id" = Uuid, Path)), request_body = RemoveBoard, responses((status = 200, body = Item)))]
#[tracing::instrument(name = "imports.remove", skip_all)]
pub async fn remove(
    kit: web::Data<Kit>,
    caller: Caller,
    id: web::Path<Uuid>,
    body: web::Json<RemoveBoard>,
) -> Result<web::Json<Item>, ApiError> {
    let mut tx = kit.db.begin().await?;
    let import = rows::find(&mut *tx, Asked::by(*id)).await?;
    caller.require_organizer(import.challenge_id.into())?;
    let mut wrong = Complaints::new();
    let reason = wrong.text("/reason", &body.reason, 1..=1000);
    wrong.finish()?;
    // It may be replaced at this moment: what goes is what stands there then.
    rows::lock(&mut *tx, import.challenge_id.into(), &import.slug).await?;
    let import = rows::find(&mut *tx, Asked::by(*id)).await?;
    if !rows::delete(&mut *tx, import.id).await? {
        return Err(ApiError::NotFound("imported board"));
    }
    let details = json!({
        "challenge_id": import.challenge_id, "slug": import.slug, "table_sha256": import.table_sha256,
    });
    let (now, actor) = (kit.clock.now(), Some(caller.user_id));
    audit::append(
        &mut tx,
        now,
        actor,
        "board.removed",
        import.id,
        details,
        Some(&reason),
    )
    .await?;
    tx.commit().await?;
    Ok(web::Json(import.into()))
}
