//! Draws what is due.

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgPool;

use super::draw::draw;
use super::inputs;
use super::rows::{self, Due};
use crate::aside;
use crate::error::Error;
use crate::patience::Patience;
use crate::rows::phases;
use crate::statistics;

/// Of a phase whose ranking changes all the time there are new ones so often.
const AT_MOST_EVERY: TimeDelta = TimeDelta::minutes(1);

/// Looks at every phase. One that fails is told and does not keep the others from their turn.
pub async fn all(db: &PgPool, now: DateTime<Utc>, patience: &Patience) -> Result<(), Error> {
    let mut first_failure = None;
    for due in rows::due(db, now, now - AT_MOST_EVERY).await? {
        let phase_id = due.phase_id;
        if !patience.is_over(phase_id, now) {
            continue;
        }
        let drawn = version(db, due, now).await;
        patience.note(phase_id, now, &drawn);
        if let Err(error) = drawn {
            tracing::error!(phase.id = %phase_id, error = &error as &dyn std::error::Error, "no figures");
            first_failure.get_or_insert(error);
        }
    }
    first_failure.map_or(Ok(()), Err)
}

async fn version(db: &PgPool, due: Due, now: DateTime<Utc>) -> Result<(), Error> {
    let phase = phases::find(db, due.phase_id).await?;
    let Some(stored) = statistics::of(db, due.phase_id, due.version).await? else {
        // Of a newer version by now, which is drawn next.
        return Ok(());
    };
    let inputs = inputs::read(db, &due, stored.document.0, &phase.metrics, now).await?;
    // Those that are drawn, not those that were due: a name may have changed in between.
    let names = inputs.teams.iter().filter_map(|team| team.name.clone());
    let mut names: Vec<String> = names.collect();
    names.sort_unstable();
    let figures = aside::run(move || draw(&inputs, stored.draws)).await??;

    let mut tx = db.begin().await?;
    rows::put(&mut tx, &due, &names, &figures, now).await?;
    rows::forget(&mut tx, &due, now).await?;
    tx.commit().await?;
    tracing::info!(phase.id = %due.phase_id, version = due.version, figures = figures.len(), "figures drawn");
    Ok(())
}
