//! `GET /api/v1/evaluations/outputs`

use std::time::Duration;

use actix_web::web;
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use molar_objects::{Bucket, Store};
use molar_web_kit::page::Cursor;
use molar_web_kit::{ApiError, Caller, Kit, Page, PageQuery};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::rows::{self, Output};
use crate::error::Error;

const GOOD_FOR: Duration = Duration::from_secs(3600);

/// Questions to the store at a time.
const AT_ONCE: usize = 16;

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Query {
    phase_id: Uuid,
    /// `next` of the page before.
    #[param(value_type = Option<String>)]
    cursor: Option<Cursor>,
    /// 1 to 100, by default 50.
    limit: Option<u16>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = OutputFile)]
pub struct OutputView {
    /// The case run.
    pub id: Uuid,
    pub submission_id: Uuid,
    pub team: String,
    pub case: String,
    /// Where an export puts it: names joined by `/`.
    pub path: String,
    pub size_bytes: i64,
    pub sha256: String,
    pub url: String,
    /// Of the link.
    pub expires_at: DateTime<Utc>,
}

/// Links to what the containers of a phase wrote, the oldest first, each good for an hour; for its organizers. Each
/// link is written to the ledger of data before it is told. What the store has lost is left out.
#[utoipa::path(get, path = "/api/v1/evaluations/outputs", tag = "scoring", params(Query),
    responses((status = 200, body = Page<OutputView>)))]
#[tracing::instrument(name = "evaluations.outputs", skip_all)]
pub async fn outputs(
    kit: web::Data<Kit>,
    store: web::Data<Store>,
    caller: Caller,
    query: web::Query<Query>,
) -> Result<web::Json<Page<OutputView>>, ApiError> {
    let paging = PageQuery::new(query.cursor, query.limit)?;
    let phase = rows::phase(&kit.db, &caller, query.phase_id).await?;
    caller.require_organizer(phase.challenge)?;
    let found = rows::outputs(&kit.db, query.phase_id, &paging).await?;
    let page = Page::of(found, &paging, |output| output.case_run_id);
    let outputs: Vec<Option<Output>> = stream::iter(page.items)
        .map(|output| there(&store, output))
        .buffered(AT_ONCE)
        .try_collect()
        .await?;
    let now = kit.clock.now();
    let expires_at = now + TimeDelta::from_std(GOOD_FOR).unwrap_or(TimeDelta::MAX);
    let mut tx = kit.db.begin().await?;
    let mut items = Vec::new();
    for output in outputs.into_iter().flatten() {
        let by = (phase.challenge, caller.user_id);
        rows::note(&mut *tx, by, &output, now, expires_at).await?;
        items.push(sign(&store, output, expires_at).await?);
    }
    tx.commit().await?;
    Ok(web::Json(Page {
        items,
        next: page.next,
    }))
}

/// None where the store has it no more: what is gone is no reason to keep the rest.
async fn there(store: &Store, output: Output) -> Result<Option<Output>, Error> {
    match store.head(Bucket::Outputs, &output.object_key).await {
        Ok(_) => Ok(Some(output)),
        Err(molar_objects::Error::NotFound) => {
            tracing::warn!(object.key = output.object_key, "an output is missing");
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

async fn sign(
    store: &Store,
    output: Output,
    expires_at: DateTime<Utc>,
) -> Result<OutputView, Error> {
    let name = output.path.rsplit('/').next();
    let link = store.presign_get(Bucket::Outputs, &output.object_key, GOOD_FOR, name);
    let url = link.await?.url;
    Ok(OutputView {
        id: output.case_run_id,
        submission_id: output.submission_id,
        team: output.team,
        case: output.case,
        path: output.path,
        size_bytes: output.size_bytes,
        sha256: output.sha256,
        url,
        expires_at,
    })
}
