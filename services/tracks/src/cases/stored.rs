//! `POST /api/v1/splits/{id}/cases/stored`

use actix_web::web;
use futures_util::{StreamExt, TryStreamExt};
use molar_contracts::keys;
use molar_domain::SplitId;
use molar_objects::{Bucket, Store};
use molar_service::outbox;
use molar_web_kit::{ApiError, Caller, Complaints, Kit};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::announce::MOST;
use super::geometry;
use super::rows::{self, Case, Seen};
use super::splits::{self, Split};
use crate::Error;
use crate::phases::rows::resolve_canaries;
use crate::state::AppState;

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StoredCases {
    #[schema(max_items = 100)]
    pub names: Vec<String>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Stored {
    /// How many of the named cases are stored now: all of them.
    pub stored: usize,
}

/// Says that images and references were put. All of them are taken, or none: images are looked for
/// in the store; a reference nobody but the scorer can see, which reads it next.
#[utoipa::path(
    post,
    path = "/api/v1/splits/{id}/cases/stored",
    tag = "cases",
    params(("id" = Uuid, Path)),
    responses((status = OK, body = Stored))
)]
#[tracing::instrument(name = "cases.stored", skip_all)]
pub async fn stored(
    kit: web::Data<Kit>,
    state: web::Data<AppState>,
    caller: Caller,
    id: web::Path<SplitId>,
    body: web::Json<StoredCases>,
) -> Result<web::Json<Stored>, ApiError> {
    let mut conn = kit.db.acquire().await?;
    let split = splits::find(&mut *conn, *id).await?;
    caller.require_organizer(split.challenge_id())?;
    let cases = body.find(&mut conn, split.id).await?;
    // Looked for before the transaction: the store may be slow.
    drop(conn);
    let seen = look_all(&state.store, &split, &body.names, &cases).await?;

    let now = kit.clock.now();
    let mut tx = kit.db.begin().await?;
    splits::lock(&mut tx, split.id).await?;
    let again = rows::by_name(&mut tx, split.id, &body.names).await?;
    let is_same = |case: &Case| {
        again
            .iter()
            .any(|a| a.id == case.id && a.sha256 == case.sha256)
    };
    if !cases.iter().all(is_same) {
        return Err(ApiError::conflict(
            "a case was announced anew in the meantime",
        ));
    }
    if seen.iter().any(|(_, new)| new.is_some()) {
        splits::require_unsubmitted(&mut tx, &split).await?;
    }
    for reference in rows::mark_stored(&mut tx, split.id, &seen, now).await? {
        outbox::announce(&mut tx, now, keys::REFERENCE_STORED, reference, None).await?;
    }
    resolve_canaries(&mut *tx, split.challenge_id).await?;
    tx.commit().await?;
    Ok(web::Json(Stored { stored: seen.len() }))
}

impl StoredCases {
    async fn find(
        &self,
        conn: &mut sqlx::PgConnection,
        split: Uuid,
    ) -> Result<Vec<Case>, ApiError> {
        let mut wrong = Complaints::new();
        let count = self.names.len();
        wrong.check(
            (1..=MOST).contains(&count),
            "/names",
            format!("must be 1 to {MOST} names, are {count}"),
        );
        let cases = rows::by_name(conn, split, &self.names).await?;
        for (n, name) in self.names.iter().enumerate() {
            let is_known = cases.iter().any(|case| case.name == *name);
            wrong.check(is_known, &format!("/names/{n}"), "is no announced case");
        }
        wrong.finish()?;
        Ok(cases)
    }
}

/// Of each case what its image says; none where it was stored before.
async fn look_all(
    store: &Store,
    split: &Split,
    names: &[String],
    cases: &[Case],
) -> Result<Vec<(Uuid, Option<Seen>)>, Error> {
    let looked: Vec<(&Case, Result<Option<Seen>, String>)> = futures_util::stream::iter(cases)
        .map(|case| async move {
            if case.is_stored {
                return Ok::<_, Error>((case, Ok(None)));
            }
            let found = match missing(store, split.bucket(), case).await? {
                Some(why) => Err(why),
                None => {
                    let seen = geometry::look(store, split.bucket(), case, &split.format);
                    Ok(Some(seen.await?))
                }
            };
            Ok((case, found))
        })
        .buffered(8)
        .try_collect()
        .await?;
    let mut wrong = Complaints::new();
    for (n, name) in names.iter().enumerate() {
        let found = looked.iter().find(|(case, _)| case.name == *name);
        if let Some((_, Err(why))) = found {
            wrong.add(format!("/names/{n}"), why);
        }
    }
    wrong.finish()?;
    let seen = looked.into_iter();
    Ok(seen
        .map(|(case, found)| (case.id, found.unwrap_or_default()))
        .collect())
}

/// Why the image is not there as announced.
pub(super) async fn missing(
    store: &Store,
    bucket: Bucket,
    case: &Case,
) -> Result<Option<String>, Error> {
    let head = match store.head(bucket, &case.image_key).await {
        Ok(head) => head,
        Err(molar_objects::Error::NotFound) => {
            return Ok(Some(
                "its image is not in the store; put it first, at the URL of its announcement"
                    .into(),
            ));
        }
        Err(error) => return Err(error.into()),
    };
    let is_other = head
        .sha256
        .is_some_and(|sha256| hex::encode(sha256) != case.sha256);
    if is_other || i64::try_from(head.size) != Ok(case.size_bytes) {
        return Ok(Some(
            "its image in the store is not the announced one; put it again".into(),
        ));
    }
    Ok(None)
}

#[cfg(test)]
mod tests;
