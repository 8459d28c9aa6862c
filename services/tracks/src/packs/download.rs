//! `GET /api/v1/tracks/{id}/pack`

use std::time::Duration;

use actix_web::http::header;
use actix_web::{HttpResponse, web};
use molar_domain::TrackId;
use molar_objects::Bucket;
use molar_web_kit::{ApiError, Caller, Kit};

use super::rows;
use crate::Error;
use crate::cases::splits;
use crate::downloads::{self, Kind, Link};
use crate::state::AppState;

const TTL: Duration = Duration::from_secs(3600);

/// Leads to the pack of a track in the object store, for an hour. Its sample cases are data: it is for approved
/// teams that signed the newest terms.
#[utoipa::path(
    get,
    path = "/api/v1/tracks/{id}/pack",
    tag = "packs",
    params(("id" = uuid::Uuid, Path)),
    responses((status = SEE_OTHER, description = "`Location` is where the zip is"))
)]
#[tracing::instrument(name = "packs.download", skip_all)]
pub async fn download(
    kit: web::Data<Kit>,
    state: web::Data<AppState>,
    caller: Caller,
    id: web::Path<TrackId>,
) -> Result<HttpResponse, ApiError> {
    let track = rows::track(&kit.db, *id).await?;
    splits::require_signed(&kit.db, &caller, track.challenge_id, track.id).await?;
    let found = rows::current(&kit.db, track.challenge_id, Some(track.id)).await?;
    let pack = found.first().ok_or(Error::NotFound("pack of this track"))?;
    let name = format!("{}-{}-pack.zip", track.challenge, track.slug);
    let (key, name) = (&pack.object_key, Some(name.as_str()));
    let signed = state
        .store
        .presign_get(Bucket::Public, key, TTL, name)
        .await;
    let signed = signed.map_err(Error::from)?;
    let link = Link {
        challenge: track.challenge_id,
        user: caller.user_id,
        kind: Kind::Pack,
        file: pack.id,
        place: &format!("{}/pack.zip", track.slug),
        size_bytes: pack.size_bytes,
        good_for: TTL,
    };
    downloads::note(&kit.db, &link, kit.clock.now()).await?;
    Ok(HttpResponse::SeeOther()
        .insert_header((header::LOCATION, signed.url))
        .finish())
}
