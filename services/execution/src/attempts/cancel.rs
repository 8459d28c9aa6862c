//! Cancelled submissions take their attempts along.

use chrono::{DateTime, Utc};
use molar_domain::AttemptId;
use molar_queue::Publish;
use sqlx::PgPool;

use super::end;
use crate::error::Failures;
use crate::rows::attempts;
use crate::{Result, doorbell};

pub async fn all(db: &PgPool, publisher: &dyn Publish, now: DateTime<Utc>) -> Result<()> {
    let mut failures = Failures::default();
    for attempt in attempts::list_cancelled(db).await? {
        let cancelled = one(db, publisher, attempt, now).await;
        failures.note("attempt not cancelled", attempt.0, cancelled);
    }
    failures.finish()
}

async fn one(
    db: &PgPool,
    publisher: &dyn Publish,
    id: AttemptId,
    now: DateTime<Utc>,
) -> Result<()> {
    let mut tx = db.begin().await?;
    let attempt = attempts::lock(&mut tx, id).await?;
    if attempt.state.is_final() {
        // It ended while we waited for the lock.
        tx.rollback().await?;
        return Ok(());
    }
    let stops = end::cancel(&mut tx, &attempt, now).await?;
    tx.commit().await?;
    tracing::info!(attempt.id = %id, running = stops.len(), "attempt cancelled");
    doorbell::cancel(publisher, &stops).await;
    Ok(())
}
