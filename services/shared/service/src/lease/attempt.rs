//! One try at one lease: the work beside its heartbeat, and what follows from the outcome.

use std::error::Error as _;
use std::future::Future;

use molar_domain::FailureCode;
use tokio::time::{Instant, sleep_until, timeout, timeout_at};
use tokio_util::sync::CancellationToken;

use super::{AttemptError, Job, Lease, LeaseError, LeaseLoop, backoff};

/// What ended the work first.
enum End<T> {
    Returned(T),
    LeaseLost,
    Interrupted,
}

impl<J: Job> LeaseLoop<J> {
    #[tracing::instrument(name = "lease", skip_all, fields(job = J::NAME, id = %lease.id, attempt = lease.attempt))]
    pub(super) async fn attempt(&self, lease: Lease<J::Of>) {
        if lease.attempt > self.settings.attempts_max {
            // Its last holder went silent on the last try: the work itself may be what kills processes.
            tracing::error!("given up: every attempt ended without an outcome");
            let detail = "every attempt ended without an outcome";
            return self.note(self.refuse(&lease, FailureCode::Internal, detail).await);
        }
        let cancel = CancellationToken::new();
        let work = self.job.work(&lease, cancel.clone());
        tokio::pin!(work);

        let end = tokio::select! {
            result = &mut work => End::Returned(result),
            () = self.lose(&lease) => End::LeaseLost,
            () = self.interrupt.cancelled() => End::Interrupted,
        };
        cancel.cancel();
        match end {
            End::Returned(result) => self.conclude(&lease, result).await,
            End::LeaseLost => {
                tracing::warn!("lease lost; nothing is written");
                // What it returns is nobody's business any more.
                let _ = self.wind_down_one(work).await;
            }
            End::Interrupted => {
                let result = self.wind_down_one(work).await;
                self.conclude(&lease, result.unwrap_or(Err(AttemptError::Interrupted)))
                    .await;
            }
        }
    }

    async fn wind_down_one<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        timeout(self.settings.wind_down, work).await.ok()
    }

    /// Beats every third of the lease; returns when the lease is no longer ours, or may not be.
    async fn lose(&self, lease: &Lease<J::Of>) {
        let safe = self.settings.lease.saturating_sub(self.settings.skew);
        // Without a successful beat until then, somebody with a faster clock may hold the row.
        let mut ours_until = Instant::now() + safe;
        loop {
            sleep_until(ours_until.min(Instant::now() + self.settings.lease / 3)).await;
            let asked_at = Instant::now();
            let now = self.clock.now();
            let beat = self.job.extend(lease, now, self.lease_end(now));
            match timeout_at(ours_until, beat).await {
                Ok(Ok(())) => ours_until = asked_at + safe,
                Ok(Err(LeaseError::Stale)) | Err(_) => return,
                Ok(Err(LeaseError::Other(error))) => {
                    tracing::warn!(
                        error = &*error as &dyn std::error::Error,
                        "heartbeat not written"
                    );
                }
            }
        }
    }

    async fn conclude(&self, lease: &Lease<J::Of>, result: Result<J::Done, AttemptError>) {
        let now = self.clock.now();
        let recorded = match result {
            Ok(done) => self.job.finish(lease, done, now).await,
            Err(AttemptError::Interrupted) => self.job.give_back(lease, now).await,
            Err(AttemptError::Permanent { code, detail }) => {
                tracing::info!(%code, detail, "refused");
                self.refuse(lease, code, &detail).await
            }
            Err(error @ AttemptError::Transient(_))
                if lease.attempt >= self.settings.attempts_max =>
            {
                tracing::error!(error = error.source(), "given up after the last attempt");
                self.refuse(
                    lease,
                    FailureCode::Internal,
                    "every attempt failed on our side",
                )
                .await
            }
            Err(error @ AttemptError::Transient(_)) => {
                tracing::warn!(error = error.source(), "to be tried again");
                self.job
                    .retry(lease, now + backoff(lease.attempt), now)
                    .await
            }
        };
        self.note(recorded);
    }

    async fn refuse(
        &self,
        lease: &Lease<J::Of>,
        code: FailureCode,
        detail: &str,
    ) -> Result<(), LeaseError> {
        self.job.refuse(lease, code, detail, self.clock.now()).await
    }

    fn note(&self, recorded: Result<(), LeaseError>) {
        let outcome = match &recorded {
            Ok(()) => "recorded",
            Err(LeaseError::Stale) => {
                tracing::warn!("lease lost before the outcome was written");
                "stale"
            }
            Err(error @ LeaseError::Other(_)) => {
                // Nothing to undo: the lease runs out and somebody claims the work again.
                tracing::error!(error = error.source(), "could not record the outcome");
                "unrecorded"
            }
        };
        metrics::counter!("molar_leases_ended_total", "job" => J::NAME, "outcome" => outcome)
            .increment(1);
    }
}
