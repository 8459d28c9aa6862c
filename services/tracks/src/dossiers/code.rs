//! `POST /api/v1/finalists/{id}/code`

use std::time::Duration;

use actix_web::web;
use chrono::{DateTime, Utc};
use molar_domain::uuid_at;
use molar_objects::Bucket;
use molar_service::audit;
use molar_web_kit::{ApiError, Caller, Kit};
use serde_json::json;
use url::Url;
use uuid::Uuid;

use super::archive;
use super::find::DossierView;
use super::keep::{forget, is_refused};
use super::rows::{self, Dossier};
use crate::Error;
use crate::finals::rows::{self as finals, Finalist};
use crate::outside::{self, Bounds, Refusal};
use crate::state::AppState;

/// Held in memory, one at a time; and a proxy in front waits for a minute.
const BOUNDS: Bounds = Bounds {
    bytes: 64 << 20,
    time: Duration::from_secs(45),
};

/// Fetches the archive of the commit that a finalist named and keeps it, with its hash. For organizers.
#[utoipa::path(
    post,
    path = "/api/v1/finalists/{id}/code",
    tag = "finals",
    params(("id" = Uuid, Path)),
    responses((status = OK, body = DossierView))
)]
#[tracing::instrument(name = "dossiers.fetch_code", skip_all)]
pub async fn fetch(
    kit: web::Data<Kit>,
    state: web::Data<AppState>,
    caller: Caller,
    id: web::Path<Uuid>,
) -> Result<web::Json<DossierView>, ApiError> {
    let (finalist, dossier) = take(&kit, &state, &caller, *id).await?;
    Ok(web::Json(DossierView::of(&finalist, dossier)))
}

pub async fn take(
    kit: &Kit,
    state: &AppState,
    caller: &Caller,
    id: Uuid,
) -> Result<(Finalist, Dossier), ApiError> {
    let finalist = finals::find(&kit.db, id).await?;
    caller.require_organizer(finalist.challenge_id())?;
    let asked = rows::find(&kit.db, id).await?;
    require_unlocked(&finalist, &asked)?;
    let (Some(link), Some(commit)) = (&asked.code_url, &asked.commit) else {
        let why = "the team has not named the link to its code and the commit yet";
        return Err(ApiError::conflict(why));
    };
    let bytes = archive_of(state, link, commit).await?;
    let now = kit.clock.now();
    let key = format!("finals/{id}/{}.tar.gz", uuid_at(now));
    let kept = state
        .store
        .put_bytes(Bucket::Hidden, &key, "application/gzip", bytes)
        .await;
    let kept = kept.map_err(Error::from)?;
    let snapshot = Snapshot {
        key,
        bytes: i64::try_from(kept.size).map_err(ApiError::internal)?,
        sha256: hex::encode(kept.sha256),
        link,
        commit,
    };
    match snapshot.write(kit, caller, &finalist, now).await {
        Ok((before, dossier)) => {
            forget(&state.store, before.code_key.as_deref()).await;
            Ok((finalist, dossier))
        }
        Err(error) => {
            if is_refused(&error) {
                forget(&state.store, Some(&snapshot.key)).await;
            }
            Err(error)
        }
    }
}

fn require_unlocked(finalist: &Finalist, dossier: &Dossier) -> Result<(), ApiError> {
    let is_closed = finalist.is_struck() || dossier.locked_at.is_some();
    let why = "the dossier is closed, so its snapshot stays as it is";
    match is_closed {
        true => Err(ApiError::conflict(why).with_code("dossier-closed")),
        false => Ok(()),
    }
}

/// In words for organizer and team, whatever went wrong on the way.
async fn archive_of(state: &AppState, link: &str, commit: &str) -> Result<Vec<u8>, ApiError> {
    let no = |why: String| ApiError::conflict(why).with_code("code-not-fetched");
    let Ok(_turn) = state.fetching.try_acquire() else {
        return Err(ApiError::conflict(
            "another archive is being fetched; try again in a minute",
        ));
    };
    let link: Url = link.parse().map_err(ApiError::internal)?;
    let address = archive::address(&link, commit).map_err(no)?;
    let bytes = match outside::fetch(&*state.network, address, BOUNDS).await {
        Ok(bytes) => bytes,
        Err(Refusal::Client(error)) => return Err(ApiError::internal(error)),
        Err(refusal) => return Err(no(format!("the code was not fetched: {refusal}"))),
    };
    match archive::complaint(&bytes, commit) {
        Some(why) => Err(no(why)),
        None => Ok(bytes),
    }
}

struct Snapshot<'a> {
    key: String,
    bytes: i64,
    sha256: String,
    link: &'a str,
    commit: &'a str,
}

impl Snapshot<'_> {
    /// The dossier before and after. The team may have named another commit meanwhile: then this one is kept, and still
    /// missing is the other.
    async fn write(
        &self,
        kit: &Kit,
        caller: &Caller,
        finalist: &Finalist,
        now: DateTime<Utc>,
    ) -> Result<(Dossier, Dossier), ApiError> {
        let mut tx = kit.db.begin().await?;
        let present = rows::lock(&mut tx, finalist.id, caller, now).await?;
        require_unlocked(finalist, &present)?;
        sqlx::query!(
            "UPDATE tracks.dossiers SET code_key = $2, code_bytes = $3, code_sha256 = $4, code_from = $5, code_commit = $6,
                    code_at = $7 WHERE finalist_id = $1",
            finalist.id,
            self.key,
            self.bytes,
            self.sha256,
            self.link,
            self.commit,
            now,
        )
        .execute(&mut *tx)
        .await?;
        let details = json!({
            "challenge_id": finalist.challenge_id, "phase_id": finalist.phase_id, "team_id": finalist.team_id,
            "commit": self.commit, "sha256": self.sha256, "size_bytes": self.bytes,
        });
        let actor = Some(caller.user_id);
        audit::append(
            &mut tx,
            now,
            actor,
            "code.fetched",
            finalist.id,
            details,
            None,
        )
        .await?;
        let dossier = rows::find(&mut *tx, finalist.id).await?;
        tx.commit().await?;
        Ok((present, dossier))
    }
}
