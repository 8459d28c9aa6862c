//! `POST /worker/v1/beat`

use actix_web::web;
use molar_domain::WorkerId;
use molar_domain::worker_api::{Beat, BeatAnswer};
use molar_web_kit::{ApiError, Complaints, Kit};

use super::check_slots;
use crate::rows::workers;
use crate::state::State;

/// The worker is there, and what it is now.
#[tracing::instrument(name = "workers.beat", skip_all, fields(worker.id = %*worker))]
pub async fn beat(
    kit: web::Data<Kit>,
    state: web::Data<State>,
    worker: web::ReqData<WorkerId>,
    body: web::Json<Beat>,
) -> Result<web::Json<BeatAnswer>, ApiError> {
    let mut wrong = Complaints::new();
    check_slots(&mut wrong, (body.slots, body.gpus), body.slot_memory_bytes);
    wrong.finish()?;
    workers::see(&kit.db, *worker, &body, kit.clock.now()).await?;
    let known = workers::find(&kit.db, *worker).await?;
    state.dispatch.notify_one();
    Ok(web::Json(BeatAnswer {
        worker_id: worker.0,
        device_class: known.device_class,
        is_draining: known.is_draining,
    }))
}
