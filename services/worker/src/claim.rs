//! A slot: claims one case run after the other.

use std::sync::Arc;
use std::time::Duration;

use molar_domain::worker_api::Claim;
use tokio_util::sync::CancellationToken;

use crate::api::Error;
use crate::case::Context;
use crate::lease::Moment;
use crate::run::Slot;

/// Without a message from the broker the worker asks this often.
const POLL_EVERY: Duration = Duration::from_secs(5);

pub async fn work(context: Arc<Context>, slot: Slot, stop: CancellationToken) {
    while !stop.is_cancelled() {
        // Registered before asking, so that a bell between answer and sleep is heard.
        let rung = context.doorbell.bell.notified();
        tokio::pin!(rung);
        rung.as_mut().enable();
        if !context.doorbell.is_draining() && claim_one(&context, &slot).await {
            continue;
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = &mut rung => {}
            () = tokio::time::sleep(POLL_EVERY) => {}
        }
    }
}

/// Whether there was something to run.
async fn claim_one(context: &Context, slot: &Slot) -> bool {
    let images = match context.engine.list_images().await {
        Ok(images) => images,
        Err(error) => {
            // What is claimed now could only be given back.
            tracing::warn!(%error, "nothing claimed while the engine does not answer");
            return false;
        }
    };
    let has_gpu = match &slot.card {
        Some(card) => card.look().await,
        None => false,
    };
    let claim = Claim {
        images,
        hint: context.doorbell.next_hint(),
        has_gpu,
    };
    let asked_at = Moment::now();
    match context.api.claim(&claim).await {
        Ok(Some(grant)) => {
            // Another slot may find more.
            context.doorbell.bell.notify_one();
            context.handle(grant, asked_at, slot).await;
            true
        }
        Ok(None) => false,
        Err(error @ (Error::Away(_) | Error::Stale)) => {
            tracing::debug!(%error, "nothing claimed");
            false
        }
        Err(error @ Error::Refused(_)) => {
            tracing::error!(%error, "nothing claimed");
            false
        }
    }
}
