//! Keeping a case run while it runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use molar_domain::worker_api::{Grant, Leased};
use tokio_util::sync::CancellationToken;

use crate::api::{Api, Error};

/// A third of the lease that execution grants.
const BEAT_EVERY: Duration = Duration::from_secs(20);

/// How a case run stopped being the worker's, if it did.
#[derive(Clone, Default)]
pub struct Held {
    is_lost: Arc<AtomicBool>,
}

impl Held {
    /// Once it is lost nothing may be written in its name.
    pub fn is_lost(&self) -> bool {
        self.is_lost.load(Ordering::Acquire)
    }

    fn lose(&self) {
        self.is_lost.store(true, Ordering::Release);
    }
}

/// Extends the lease until dropped; cancels `run` when the lease is lost or the submission cancelled.
pub async fn keep(api: Api, grant: Grant, held: Held, run: CancellationToken) {
    let body = Leased {
        lease_token: grant.lease_token,
    };
    loop {
        tokio::time::sleep(BEAT_EVERY).await;
        match api.heartbeat(grant.case_run_id, body).await {
            Ok(answer) if answer.is_cancelled => {
                held.lose();
                run.cancel();
                return;
            }
            Ok(_) => {}
            Err(Error::Stale) => {
                tracing::warn!(case_run.id = %grant.case_run_id, "the lease is lost");
                held.lose();
                run.cancel();
                return;
            }
            // If it lasts, the next answer is Stale.
            Err(error) => tracing::warn!(%error, "heartbeat not answered"),
        }
    }
}
