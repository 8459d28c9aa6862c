//! How an attempt ends. The caller's transaction holds the attempt's lock.

use chrono::{DateTime, Utc};
use molar_contracts::keys;
use molar_domain::attempt::Event;
use molar_domain::{FailureCode, Fault};
use molar_service::{audit, outbox};
use serde_json::json;
use sqlx::PgConnection;

use crate::Result;
use crate::doorbell::Stop;
use crate::rows::attempts::Locked;
use crate::rows::{attempts, case_runs};

/// Ends the attempt once each of its case runs has ended, however that was.
pub async fn finish_if_complete(
    tx: &mut PgConnection,
    attempt: &Locked,
    now: DateTime<Utc>,
) -> Result<()> {
    if !case_runs::are_all_final(tx, attempt.id).await? {
        return Ok(());
    }
    attempts::end(tx, attempt, Event::Finish, None, now).await?;
    announce(tx, attempt, now).await
}

/// Fails the attempt with all that is open of it. Returns whom to ring once committed.
pub async fn fail(
    tx: &mut PgConnection,
    attempt: &Locked,
    code: FailureCode,
    detail: &str,
    now: DateTime<Utc>,
) -> Result<Vec<Stop>> {
    let stops = case_runs::cancel_open(tx, attempt.id, now).await?;
    attempts::end(tx, attempt, Event::Fail, Some((code, detail)), now).await?;
    announce(tx, attempt, now).await?;
    if code.fault() == Fault::Ours {
        // The organizers are to know: the team was told that they do.
        tracing::error!(attempt.id = %attempt.id, code = code.as_str(), detail, "attempt failed through our fault");
        let details = json!({ "to": "failed", "failure": code, "detail": detail });
        audit::append(tx, now, None, "attempt.failed", attempt.id.0, details, None).await?;
    }
    Ok(stops)
}

pub async fn cancel(
    tx: &mut PgConnection,
    attempt: &Locked,
    now: DateTime<Utc>,
) -> Result<Vec<Stop>> {
    let stops = case_runs::cancel_open(tx, attempt.id, now).await?;
    attempts::end(tx, attempt, Event::Cancel, None, now).await?;
    announce(tx, attempt, now).await?;
    Ok(stops)
}

async fn announce(tx: &mut PgConnection, attempt: &Locked, now: DateTime<Utc>) -> Result<()> {
    let phase = Some(attempt.phase_id.0);
    outbox::announce(tx, now, keys::ATTEMPT_FINISHED, attempt.id.0, phase).await?;
    Ok(())
}
