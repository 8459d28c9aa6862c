//! Whose log it is. To others it does not exist.

use molar_web_kit::{ApiError, Caller};
use sqlx::PgPool;
use uuid::Uuid;

use crate::retention;
use crate::rows::logs::{self, Log};

pub fn none() -> ApiError {
    ApiError::NotFound("log")
}

/// A log that the caller may read, and that is kept.
pub async fn see(db: &PgPool, caller: &Caller, id: Uuid) -> Result<Log, ApiError> {
    let log = logs::find(db, id).await?.ok_or_else(none)?;
    let log = may_read(caller, &log).then_some(log).ok_or_else(none)?;
    retention::require_kept(db, id).await?;
    Ok(log)
}

fn may_read(caller: &Caller, log: &Log) -> bool {
    let is_member = caller.is_member(log.team);
    match log.is_public {
        true => is_member || caller.may_review(log.challenge),
        false => caller.is_organizer(log.challenge) || is_member && log.release_reason.is_some(),
    }
}
