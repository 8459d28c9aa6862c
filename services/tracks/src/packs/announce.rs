//! `POST /api/v1/tracks/{id}/packs`

use actix_web::web;
use molar_domain::{ChallengeId, TrackId};
use molar_objects::Bucket;
use molar_web_kit::{ApiError, Caller, Complaints, Kit};
use serde::{Deserialize, Serialize};

use super::rows::{self, New, Track};
use super::samples::{self, NewSample};
use crate::Error;
use crate::cases::announce::{Content, MOST_BYTES, TTL, Upload, is_sha256};
use crate::state::AppState;

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AnnouncePack {
    pub size_bytes: i64,
    /// 64 hexadecimal digits.
    pub sha256: String,
    /// The cases in it, of public splits with references.
    #[schema(max_items = 10)]
    pub samples: Vec<NewSample>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct AnnouncedPack {
    /// None where these bytes are stored already.
    pub upload: Option<Upload>,
}

/// Announces the pack of a track, a zip, and says where it is to be put. Participants get it once it is said to
/// be stored; until then they get the one before.
#[utoipa::path(
    post,
    path = "/api/v1/tracks/{id}/packs",
    tag = "packs",
    params(("id" = uuid::Uuid, Path)),
    responses((status = OK, body = AnnouncedPack))
)]
#[tracing::instrument(name = "packs.announce", skip_all)]
pub async fn announce(
    kit: web::Data<Kit>,
    state: web::Data<AppState>,
    caller: Caller,
    id: web::Path<TrackId>,
    body: web::Json<AnnouncePack>,
) -> Result<web::Json<AnnouncedPack>, ApiError> {
    let mut tx = kit.db.begin().await?;
    let track = rows::track(&mut *tx, *id).await?;
    caller.require_organizer(ChallengeId(track.challenge_id))?;
    rows::lock(&mut tx, track.id).await?;
    body.check(&mut tx, &track).await?;
    let key = format!("packs/{}/{}.zip", track.id, body.sha256);
    let known = rows::by_hash(&mut *tx, track.id, &body.sha256).await?;
    let names: Vec<String> = body.samples.iter().map(NewSample::name).collect();
    let new = New {
        track: track.id,
        object_key: &key,
        size_bytes: body.size_bytes,
        sha256: &body.sha256,
        samples: &names,
        by: caller.user_id,
    };
    rows::announce(&mut *tx, &new, kit.clock.now()).await?;
    tx.commit().await?;

    let is_there = known.is_some_and(|pack| pack.stored_at.is_some());
    let content = Content {
        key,
        size_bytes: body.size_bytes,
        sha256: body.sha256.clone(),
    };
    let upload = match is_there {
        true => None,
        false => Some(content.sign(&state.store, Bucket::Public, TTL).await?),
    };
    Ok(web::Json(AnnouncedPack { upload }))
}

impl AnnouncePack {
    async fn check(&self, conn: &mut sqlx::PgConnection, track: &Track) -> Result<(), Error> {
        let mut wrong = Complaints::new();
        wrong.check(
            (1..=MOST_BYTES).contains(&self.size_bytes),
            "/size_bytes",
            "must be 1 byte to 5 GiB",
        );
        wrong.check(
            is_sha256(&self.sha256),
            "/sha256",
            "must be 64 hexadecimal digits in lower case",
        );
        let splits: Vec<_> = self.samples.iter().map(|of| of.split.clone()).collect();
        let cases: Vec<_> = self.samples.iter().map(|of| of.case.clone()).collect();
        let there = rows::samples(conn, track.id, &splits, &cases).await?;
        samples::check(&mut wrong, &self.samples, &there);
        Ok(wrong.finish()?)
    }
}
