//! The loop: claims no more than can start at once, because a lease ticks from the moment it is taken.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use molar_domain::Clock;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{BoxError, Job, Lease, Settings};

/// Works off one kind of job until stopped.
pub struct LeaseLoop<J> {
    pub(super) job: Arc<J>,
    pub(super) settings: Settings,
    pub(super) clock: Arc<dyn Clock>,
    /// Cancelled when the grace period is over: what still runs is given back.
    pub(super) interrupt: CancellationToken,
}

// By hand: the derived one would ask for `J: Clone`.
impl<J> Clone for LeaseLoop<J> {
    fn clone(&self) -> Self {
        Self {
            job: self.job.clone(),
            settings: self.settings,
            clock: self.clock.clone(),
            interrupt: self.interrupt.clone(),
        }
    }
}

impl<J: Job> LeaseLoop<J> {
    pub fn new(job: J, settings: Settings, clock: Arc<dyn Clock>) -> Self {
        Self {
            job: Arc::new(job),
            settings,
            clock,
            interrupt: CancellationToken::new(),
        }
    }

    /// Returns when everything that ran is finished or given back.
    pub async fn run(self, bell: Arc<Notify>, stop: CancellationToken) {
        let slots = Arc::new(Semaphore::new(self.settings.slots));
        let running = TaskTracker::new();

        while let Some(Ok(slot)) = stop
            .run_until_cancelled(slots.clone().acquire_owned())
            .await
        {
            drop(slot);
            // Registered before the query, so that no ring falls between query and sleep.
            let rung = bell.notified();
            tokio::pin!(rung);
            rung.as_mut().enable();

            if self.start_some(&slots, &running).await {
                continue;
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = &mut rung => {}
                () = tokio::time::sleep(self.settings.poll_every) => {}
            }
        }
        self.wind_down(&running).await;
    }

    /// Claims what the free slots can hold and works it off. Returns how much that was.
    pub async fn run_once(&self) -> Result<usize, BoxError> {
        let leases = self.claim(self.settings.slots).await?;
        let claimed = leases.len();
        futures_util::future::join_all(leases.into_iter().map(|lease| self.attempt(lease))).await;
        Ok(claimed)
    }

    /// Returns whether there may be more to claim.
    async fn start_some(&self, slots: &Arc<Semaphore>, running: &TaskTracker) -> bool {
        let free = slots.available_permits();
        let leases = match self.claim(free).await {
            Ok(leases) => leases,
            Err(error) => {
                // The rows wait; so do we, until the next poll.
                tracing::error!(
                    error = &*error as &dyn std::error::Error,
                    job = J::NAME,
                    "could not claim"
                );
                return false;
            }
        };
        let all_slots_taken = leases.len() >= free;
        for lease in leases {
            // Only this loop takes permits, so a claimed lease finds its slot free.
            let slot = slots.clone().acquire_owned().await.ok();
            running.spawn(self.clone().hold_slot(lease, slot));
        }
        all_slots_taken
    }

    async fn hold_slot(self, lease: Lease<J::Of>, _slot: Option<OwnedSemaphorePermit>) {
        self.attempt(lease).await;
    }

    async fn claim(&self, limit: usize) -> Result<Vec<Lease<J::Of>>, BoxError> {
        let now = self.clock.now();
        let leases = self.job.claim(limit, now, self.lease_end(now)).await?;
        metrics::counter!("molar_leases_claimed_total", "job" => J::NAME)
            .increment(leases.len() as u64);
        Ok(leases)
    }

    async fn wind_down(&self, running: &TaskTracker) {
        running.close();
        if timeout(self.settings.grace, running.wait()).await.is_err() {
            self.interrupt.cancel();
            running.wait().await;
        }
    }

    pub(super) fn lease_end(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        now + TimeDelta::from_std(self.settings.lease).unwrap_or(TimeDelta::MAX)
    }
}
