//! The SQL of the role's tables. A function that changes a state says from which to which, and fails
//! with [`crate::Error::Stale`] when the row is not there (any more).
//!
//! Locks are taken in one order: an attempt before its case runs.

pub mod attempts;
pub mod case_runs;
pub mod inputs;
pub mod logs;
pub mod places;
pub mod removals;
pub mod turns;
pub mod workers;

use crate::{Error, Result};

/// A guarded update hits its one row, or somebody was faster.
fn one(done: &sqlx::postgres::PgQueryResult) -> Result<()> {
    match done.rows_affected() {
        1 => Ok(()),
        _ => Err(Error::Stale),
    }
}
