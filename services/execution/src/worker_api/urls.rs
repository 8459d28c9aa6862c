//! `POST /worker/v1/case-runs/{id}/urls`

use actix_web::web;
use molar_domain::worker_api::{Leased, Urls};
use molar_domain::{CaseRunId, WorkerId};
use molar_web_kit::{ApiError, Kit};
use uuid::Uuid;

use super::held;
use crate::rows::inputs;
use crate::state::State;

/// The inputs, signed again.
#[tracing::instrument(name = "case_runs.urls", skip_all, fields(case_run.id = %*id))]
pub async fn urls(
    kit: web::Data<Kit>,
    state: web::Data<State>,
    worker: web::ReqData<WorkerId>,
    id: web::Path<Uuid>,
    body: web::Json<Leased>,
) -> Result<web::Json<Urls>, ApiError> {
    let run = held(&kit.db, CaseRunId(*id), *worker, body.lease_token).await?;
    let inputs = inputs::find(&kit.db, run.id).await?;
    Ok(web::Json(inputs.presign(&state.store).await?))
}
