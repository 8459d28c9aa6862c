//! `POST /api/v1/tracks/{id}/packs/stored`

use actix_web::web;
use chrono::{DateTime, Utc};
use molar_domain::{ChallengeId, TrackId};
use molar_objects::{Bucket, Store};
use molar_service::audit;
use molar_web_kit::{ApiError, Caller, Kit};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::rows::{self, Pack};
use crate::Error;
use crate::phases::publish::Decision;
use crate::state::AppState;

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StoredPack {
    pub sha256: String,
    /// Why the pack before is replaced; kept in the audit log.
    #[schema(max_length = 1000)]
    pub reason: Option<String>,
}

/// The pack of a track, as everybody may know of it.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct PackView {
    pub size_bytes: i64,
    pub sha256: String,
    /// The cases in it: split/case.
    pub samples: Vec<String>,
    pub stored_at: Option<DateTime<Utc>>,
    /// Leads to the zip, for approved teams that signed the newest terms.
    pub path: String,
}

impl From<&Pack> for PackView {
    fn from(pack: &Pack) -> Self {
        Self {
            size_bytes: pack.size_bytes,
            sha256: pack.sha256.clone(),
            samples: pack.samples.clone(),
            stored_at: pack.stored_at,
            path: format!("/api/v1/tracks/{}/pack", pack.track_id),
        }
    }
}

/// Says that the announced pack was put: from now on it is what participants get. Saying so twice changes nothing.
#[utoipa::path(
    post,
    path = "/api/v1/tracks/{id}/packs/stored",
    tag = "packs",
    params(("id" = uuid::Uuid, Path)),
    responses((status = OK, body = PackView))
)]
#[tracing::instrument(name = "packs.stored", skip_all)]
pub async fn stored(
    kit: web::Data<Kit>,
    state: web::Data<AppState>,
    caller: Caller,
    id: web::Path<TrackId>,
    body: web::Json<StoredPack>,
) -> Result<web::Json<PackView>, ApiError> {
    let track = rows::track(&kit.db, *id).await?;
    caller.require_organizer(ChallengeId(track.challenge_id))?;
    let decision = Decision {
        reason: body.reason.clone(),
    };
    let reason = decision.reason()?;
    let found = rows::by_hash(&kit.db, track.id, &body.sha256).await?;
    let pack = found.ok_or_else(|| {
        ApiError::invalid("/sha256", "is of no announced pack; announce it first")
    })?;
    // Looked for before the transaction: the store may be slow.
    require_put(&state.store, &pack).await?;

    let now = kit.clock.now();
    let mut tx = kit.db.begin().await?;
    rows::lock(&mut tx, track.id).await?;
    let before = rows::current(&mut *tx, track.challenge_id, Some(track.id)).await?;
    let before = before.first().map(|before| before.sha256.clone());
    if before.as_deref() != Some(&*pack.sha256) {
        rows::mark_stored(&mut *tx, pack.id, now).await?;
        let details = json!({
            "pack_id": pack.id,
            "challenge_id": track.challenge_id,
            "sha256": pack.sha256,
            "size_bytes": pack.size_bytes,
            "samples": pack.samples,
            "replaces": before,
        });
        let actor = Some(caller.user_id);
        audit::append(
            &mut tx,
            now,
            actor,
            "pack.stored",
            track.id,
            details,
            reason,
        )
        .await?;
    }
    let current = rows::current(&mut *tx, track.challenge_id, Some(track.id)).await?;
    tx.commit().await?;
    let current = current.first().ok_or(Error::NotFound("pack"))?;
    Ok(web::Json(current.into()))
}

async fn require_put(store: &Store, pack: &Pack) -> Result<(), ApiError> {
    let head = match store.head(Bucket::Public, &pack.object_key).await {
        Ok(head) => head,
        Err(molar_objects::Error::NotFound) => {
            let why = "the zip is not in the store; put it first, at the URL of its announcement";
            return Err(ApiError::invalid("/sha256", why));
        }
        Err(error) => return Err(Error::from(error).into()),
    };
    let is_other = head
        .sha256
        .is_some_and(|sha256| hex::encode(sha256) != pack.sha256);
    if is_other || i64::try_from(head.size) != Ok(pack.size_bytes) {
        let why = "the zip in the store is not the announced one; put it again";
        return Err(ApiError::invalid("/sha256", why));
    }
    Ok(())
}
