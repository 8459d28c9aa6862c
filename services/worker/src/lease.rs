//! Keeping a case run while it runs.
//!
//! A lease is counted here too, from the moment it was asked for: a worker that hears nothing, or that was
//! stopped and comes back, stops by itself at the latest when `execution` may give the run to another.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::time::Duration;

use molar_domain::worker_api::{Grant, Leased};
use rustix::time::{ClockId, clock_gettime};
use tokio_util::sync::CancellationToken;

use crate::api::{Api, Error};

/// Timers do not see the time that the machine slept, so the clock is looked at this often.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Since the machine started, the time that it slept included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(u64);

impl Moment {
    pub fn now() -> Self {
        let time = clock_gettime(ClockId::Boottime);
        let (seconds, nanos) = (time.tv_sec.unsigned_abs(), time.tv_nsec.unsigned_abs());
        Self(seconds * 1000 + nanos / 1_000_000)
    }

    fn after(self, seconds: u32) -> Self {
        Self(self.0 + u64::from(seconds) * 1000)
    }
}

/// Whether a case run is still the worker's. Once it is lost nothing may be written in its name.
#[derive(Debug, Clone)]
pub struct Held {
    until: Arc<AtomicU64>,
}

impl Held {
    /// `asked_at` is when the question left: what the answer took is not counted on.
    pub fn new(asked_at: Moment, lease_s: u32) -> Self {
        Self {
            until: Arc::new(AtomicU64::new(asked_at.after(lease_s).0)),
        }
    }

    pub fn is_lost(&self) -> bool {
        self.left().is_zero()
    }

    fn left(&self) -> Duration {
        let until = self.until.load(Ordering::Acquire);
        Duration::from_millis(until.saturating_sub(Moment::now().0))
    }

    /// What is lost stays lost, whatever an answer that comes late says.
    fn extend(&self, asked_at: Moment, lease_s: u32) {
        let now = Moment::now().0;
        let extended = |until| (until > now).then_some(asked_at.after(lease_s).0);
        // An error is the refusal of what is lost.
        let _ = self
            .until
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, extended);
    }

    fn lose(&self) {
        self.until.store(0, Ordering::Release);
    }

    pub async fn until_lost(&self) {
        while !self.is_lost() {
            tokio::time::sleep(self.left().min(LOOK_EVERY)).await;
        }
    }

    /// Looks before each step of `work`; `None` if the lease was lost before its end.
    pub async fn while_held<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let (mut work, mut lost) = (pin!(work), pin!(self.until_lost()));
        poll_fn(|context| {
            if self.is_lost() || lost.as_mut().poll(context).is_ready() {
                return Poll::Ready(None);
            }
            work.as_mut().poll(context).map(Some)
        })
        .await
    }
}

/// Extends the lease until dropped; cancels `run` when it is lost or the submission cancelled.
pub async fn keep(api: Api, grant: Grant, held: Held, run: CancellationToken) {
    match held.while_held(beat(&api, &grant, &held)).await {
        Some(why) => tracing::warn!(case_run.id = %grant.case_run_id, why, "the case run is over"),
        None => {
            tracing::warn!(case_run.id = %grant.case_run_id, "no heartbeat was answered in time")
        }
    }
    held.lose();
    run.cancel();
}

/// Three beats in a lease, quicker while they are not answered. Ends with why it is over.
async fn beat(api: &Api, grant: &Grant, held: &Held) -> &'static str {
    let body = Leased {
        lease_token: grant.lease_token,
    };
    let lease = Duration::from_secs(grant.lease_s.into());
    let mut pause = lease / 3;
    loop {
        tokio::time::sleep(pause).await;
        let asked_at = Moment::now();
        let beat = tokio::time::timeout(lease / 3, api.heartbeat(grant.case_run_id, body));
        pause = match beat.await {
            Ok(Ok(answer)) if answer.is_cancelled => return "cancelled",
            Ok(Ok(answer)) => {
                held.extend(asked_at, answer.lease_s);
                lease / 3
            }
            Ok(Err(Error::Stale)) => return "the lease is somebody else's",
            Ok(Err(error)) => {
                tracing::warn!(%error, "heartbeat not answered");
                lease / 12
            }
            Err(_) => lease / 12,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_that_ran_out_is_not_brought_back_by_a_late_answer() {
        let now = Moment::now();
        let held = Held::new(now, 60);
        assert!(!held.is_lost());
        held.extend(now, 120);
        assert!(held.left() > Duration::from_secs(100));
        held.lose();
        held.extend(now, 120);
        assert!(held.is_lost());

        let past = Held::new(Moment(now.0.saturating_sub(60_000)), 30);
        past.extend(now, 60);
        assert!(past.is_lost());
    }

    #[tokio::test]
    async fn nothing_is_begun_and_nothing_goes_on_without_the_lease() {
        let held = Held::new(Moment::now(), 60);
        assert_eq!(held.while_held(async { 7 }).await, Some(7));
        let other = held.clone();
        let work = async {
            other.lose();
            tokio::task::yield_now().await;
            panic!("went on");
        };
        assert_eq!(held.while_held(work).await, None::<()>);
        assert_eq!(held.while_held(async { panic!("began") }).await, None::<()>);
    }

    #[tokio::test]
    async fn who_waits_for_the_end_of_a_lease_hears_of_it() {
        let now = Moment::now();
        let held = Held::new(Moment(now.0.saturating_sub(29_900)), 30);
        let waited = tokio::time::timeout(Duration::from_secs(20), held.until_lost());
        assert!(waited.await.is_ok());
    }
}
