//! Makes statistics in the background.

use std::time::Instant;

use chrono::TimeDelta;
use molar_domain::{Clock, PhaseId};
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgAdvisoryLock, PgAdvisoryLockGuard};
use sqlx::{Either, PgPool, Postgres};

use super::compute::compute;
use super::rows::{self, Due, New};
use super::{scored, seed::seed};
use crate::aside;
use crate::error::Error;
use crate::patience::Patience;
use crate::rows::phases;

/// Of a phase whose ranking changes all the time there are new ones so often.
const AT_MOST_EVERY: TimeDelta = TimeDelta::minutes(1);

/// Looks at every phase. One that fails is told and does not keep the others from their turn.
pub async fn all(
    db: &PgPool,
    clock: &dyn Clock,
    draws: u32,
    patience: &Patience,
) -> Result<(), Error> {
    let now = clock.now();
    let mut due = rows::due(db, None, now, now - AT_MOST_EVERY).await?;
    due.dedup_by_key(|due| due.phase_id);
    let mut first_failure = None;
    for Due { phase_id, .. } in due {
        if !patience.is_over(phase_id, now) {
            continue;
        }
        let made = one(db, phase_id, clock, draws).await;
        patience.note(phase_id, clock.now(), &made);
        if let Err(error) = made {
            tracing::error!(phase.id = %phase_id, error = &error as &dyn std::error::Error, "no statistics");
            first_failure.get_or_insert(error);
        }
    }
    first_failure.map_or(Ok(()), Err)
}

/// Makes what is due of one phase; returns whether it was its turn. Another process that is at it makes the same.
pub async fn one(
    db: &PgPool,
    phase_id: PhaseId,
    clock: &dyn Clock,
    draws: u32,
) -> Result<bool, Error> {
    let Some(turn) = turn(db, phase_id).await? else {
        return Ok(false);
    };
    let now = clock.now();
    // Again: the other may have ended since.
    let mut made = Ok(true);
    for due in rows::due(db, Some(phase_id), now, now - AT_MOST_EVERY).await? {
        // A frozen version that fails does not keep the newest from its turn.
        if let Err(error) = version(db, due, clock, draws).await {
            made = Err(error);
        }
    }
    turn.release_now().await?;
    made
}

type Turn = PgAdvisoryLockGuard<PoolConnection<Postgres>>;

/// Of the session and not of a transaction, which would be open for as long as it takes; ends with the connection, too.
async fn turn(db: &PgPool, phase_id: PhaseId) -> Result<Option<Turn>, Error> {
    let lock = PgAdvisoryLock::new(format!("statistics:{phase_id}"));
    match lock.try_acquire(db.acquire().await?).await? {
        Either::Left(guard) => Ok(Some(guard)),
        Either::Right(_) => Ok(None),
    }
}

async fn version(db: &PgPool, due: Due, clock: &dyn Clock, draws: u32) -> Result<(), Error> {
    let phase = phases::find(db, due.phase_id).await?;
    let scored = scored::read(db, due.ranking_id, &phase.metrics).await?;
    let seed = seed(due.phase_id, due.version);
    let (teams, cases) = (scored.teams.len(), scored.cases);

    let begun = Instant::now();
    let work = move || compute(&scored, seed, draws as usize);
    let document = aside::run(work).await??;
    let took_ms = i32::try_from(begun.elapsed().as_millis()).unwrap_or(i32::MAX);

    let now = clock.now();
    let mut tx = db.begin().await?;
    let new = New {
        of: due,
        computed_at: now,
        took_ms,
        seed,
        draws,
        library: &format!("molar-ranking {}", molar_ranking::VERSION),
        document: &document,
    };
    rows::insert(&mut tx, &new).await?;
    rows::forget(&mut tx, due.phase_id, now).await?;
    tx.commit().await?;
    tracing::info!(phase.id = %due.phase_id, version = due.version, teams, cases, took_ms, "statistics made");
    Ok(())
}
