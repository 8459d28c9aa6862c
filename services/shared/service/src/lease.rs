//! Leased work: claimed in the database, kept by heartbeats, concluded once.
//!
//! A [`Job`] says what the rows are; [`LeaseLoop`] decides when to claim, how long to hold, and what
//! follows from an outcome. Losing the process loses nothing but time: the lease runs out and the next
//! claim finds the row.

mod attempt;
mod backoff;
mod run;
#[cfg(test)]
mod tests;

use std::error::Error as StdError;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use molar_domain::FailureCode;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub use backoff::backoff;
pub use run::LeaseLoop;

pub type BoxError = Box<dyn StdError + Send + Sync>;

/// Proof that this process may change one row, for as long as it keeps extending it.
#[derive(Debug, Clone)]
pub struct Lease<T> {
    /// For logs.
    pub id: Uuid,
    pub token: Uuid,
    /// 1 on the first try; counted on claim, so that work which kills its process is given up too.
    pub attempt: u32,
    /// What the row says about the work.
    pub of: T,
}

/// Why one try came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum AttemptError {
    /// Ours: tried again after the back-off.
    #[error("to be tried again")]
    Transient(#[source] BoxError),

    /// Theirs: final at once, with a reason they can act on.
    #[error("{code}: {detail}")]
    Permanent { code: FailureCode, detail: String },

    /// We are stopping: given back without charging the attempt.
    #[error("interrupted")]
    Interrupted,
}

impl AttemptError {
    pub fn transient(cause: impl Into<BoxError>) -> Self {
        Self::Transient(cause.into())
    }

    pub fn permanent(code: FailureCode, detail: impl Into<String>) -> Self {
        Self::Permanent {
            code,
            detail: detail.into(),
        }
    }
}

/// Why a row could not be written.
#[derive(Debug, thiserror::Error)]
pub enum LeaseError {
    /// The row changed hands or moved on; whoever holds it now decides.
    #[error("the lease was lost")]
    Stale,

    #[error("the row could not be written")]
    Other(#[source] BoxError),
}

impl LeaseError {
    /// For an UPDATE whose WHERE clause names the token: no row means that the lease is gone.
    pub fn insist_on_one(rows_affected: u64) -> Result<(), Self> {
        if rows_affected == 1 {
            Ok(())
        } else {
            Err(Self::Stale)
        }
    }
}

impl From<sqlx::Error> for LeaseError {
    fn from(error: sqlx::Error) -> Self {
        Self::Other(error.into())
    }
}

/// One kind of leased work. Every write carries the lease's token in its WHERE clause.
#[async_trait]
pub trait Job: Send + Sync + 'static {
    type Of: Send + Sync + 'static;
    type Done: Send + 'static;

    /// Names the work in logs and metrics.
    const NAME: &'static str;

    /// Takes up to `limit` rows that are due or whose lease ran out, and holds them until `until`.
    async fn claim(
        &self,
        limit: usize,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<Vec<Lease<Self::Of>>, BoxError>;

    /// The heartbeat.
    async fn extend(
        &self,
        lease: &Lease<Self::Of>,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<(), LeaseError>;

    /// The work itself. After `cancel` it has a few seconds to return; then it is dropped. The heartbeat
    /// shares its thread: what computes for long belongs into `spawn_blocking`.
    async fn work(
        &self,
        lease: &Lease<Self::Of>,
        cancel: CancellationToken,
    ) -> Result<Self::Done, AttemptError>;

    async fn finish(
        &self,
        lease: &Lease<Self::Of>,
        done: Self::Done,
        now: DateTime<Utc>,
    ) -> Result<(), LeaseError>;

    /// Final: the work cannot be done, and `code` says whose fault that is.
    async fn refuse(
        &self,
        lease: &Lease<Self::Of>,
        code: FailureCode,
        detail: &str,
        now: DateTime<Utc>,
    ) -> Result<(), LeaseError>;

    /// Frees the row for another try, not before `not_before`.
    async fn retry(
        &self,
        lease: &Lease<Self::Of>,
        not_before: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<(), LeaseError>;

    /// Frees the row at once and takes the attempt back.
    async fn give_back(
        &self,
        lease: &Lease<Self::Of>,
        now: DateTime<Utc>,
    ) -> Result<(), LeaseError>;
}

#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// How many leases are worked on at once.
    pub slots: usize,
    /// How long a lease lasts without a heartbeat; beats come every third of it.
    pub lease: Duration,
    /// Other machines' clocks may be ahead by this much: a holder that could not extend stops that much
    /// before the lease ends.
    pub skew: Duration,
    /// How long the loop sleeps when no doorbell rings.
    pub poll_every: Duration,
    /// After this many tries the work is given up as our failure.
    pub attempts_max: u32,
    /// How long running work may go on once the process stops.
    pub grace: Duration,
    /// How long cancelled work may take to return.
    pub wind_down: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            slots: 1,
            lease: Duration::from_secs(60),
            skew: Duration::from_secs(20),
            poll_every: Duration::from_secs(5),
            attempts_max: 5,
            grace: Duration::from_secs(15),
            wind_down: Duration::from_secs(3),
        }
    }
}
