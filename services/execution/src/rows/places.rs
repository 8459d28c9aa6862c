//! `execution.places`, and what they are made of.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use molar_domain::dispatch::Waiting;
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use super::workers::SILENCE;
use crate::Result;

/// Runs after which the median is taken: what an image took last month says little.
const RECENT: TimeDelta = TimeDelta::days(7);

/// A case run that has not ended.
#[derive(Debug, Clone)]
pub struct Open {
    pub run: Waiting,
    pub device_class: String,
    pub phase_id: Uuid,
    /// Some machine that is there can run it.
    pub is_served: bool,
    pub wall_s: i32,
    /// Of one that runs.
    pub claimed_at: Option<DateTime<Utc>>,
}

pub async fn list_open(db: impl PgExecutor<'_>, now: DateTime<Utc>) -> Result<Vec<Open>> {
    let rows = sqlx::query!(
        r#"SELECT r.id, r.attempt_id, r.position, r.state = 'released' AS "is_released!",
                  CASE WHEN r.state = 'running' THEN r.claimed_at END AS claimed_at,
                  a.team_id, a.is_rerun, a.phase_id, a.device_class,
                  (a.limits->>'gpus')::int > 0 AS "needs_gpu!",
                  EXISTS (SELECT FROM execution.workers w
                          WHERE w.revoked_at IS NULL AND NOT w.is_draining AND w.last_seen_at > $1
                            AND execution.fits(w, a)) AS "is_served!", (a.limits->>'wall_s')::int AS "wall_s!"
           FROM execution.case_runs r JOIN execution.attempts a ON a.id = r.attempt_id
           WHERE r.state IN ('waiting', 'released', 'running')"#,
        now - SILENCE,
    )
    .fetch_all(db)
    .await?;
    let open = rows.into_iter().map(|row| Open {
        run: Waiting {
            case_run: row.id.into(),
            team: row.team_id.into(),
            needs_gpu: row.needs_gpu,
            is_rerun: row.is_rerun,
            preference: u8::from(!row.is_released),
            order: (row.attempt_id, row.position),
        },
        device_class: row.device_class,
        phase_id: row.phase_id,
        is_served: row.is_served,
        wall_s: row.wall_s,
        claimed_at: row.claimed_at,
    });
    Ok(open.collect())
}

/// For how long a slot is held by a case of each phase: the median of the runs that ended lately, from the claim
/// to the report.
pub async fn typical(
    db: impl PgExecutor<'_>,
    phases: &[Uuid],
    now: DateTime<Utc>,
) -> Result<HashMap<Uuid, TimeDelta>> {
    let rows = sqlx::query!(
        r#"SELECT a.phase_id, percentile_cont(0.5) WITHIN GROUP (
                      ORDER BY extract(epoch FROM r.finished_at - r.claimed_at)::float8) AS "seconds!"
           FROM execution.case_runs r JOIN execution.attempts a ON a.id = r.attempt_id
           WHERE a.phase_id = ANY($1) AND r.state = 'finished' AND r.finished_at > $2
           GROUP BY a.phase_id"#,
        phases,
        now - RECENT,
    )
    .fetch_all(db)
    .await?;
    let millis = |seconds: f64| TimeDelta::milliseconds((seconds * 1000.0) as i64);
    let pairs = rows
        .into_iter()
        .map(|row| (row.phase_id, millis(row.seconds)));
    Ok(pairs.collect())
}

/// Of an attempt that has not ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    pub attempt_id: Uuid,
    pub device_class: String,
    pub is_served: bool,
    pub place: Option<(u32, DateTime<Utc>)>,
    pub remaining: u32,
}

/// Of two rounds at once the later one counts.
pub async fn replace(
    tx: &mut PgConnection,
    standings: &[Standing],
    now: DateTime<Utc>,
) -> Result<()> {
    let attempts: Vec<Uuid> = standings.iter().map(|of| of.attempt_id).collect();
    sqlx::query!(
        "DELETE FROM execution.places WHERE attempt_id <> ALL($1)",
        &attempts
    )
    .execute(&mut *tx)
    .await?;
    for of in standings {
        sqlx::query!(
            "INSERT INTO execution.places (attempt_id, device_class, is_served, place, expected_start_at, remaining, seen_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7)
             ON CONFLICT (attempt_id) DO UPDATE SET device_class = excluded.device_class,
                 is_served = excluded.is_served, place = excluded.place,
                 expected_start_at = excluded.expected_start_at, remaining = excluded.remaining,
                 seen_at = excluded.seen_at",
            of.attempt_id,
            of.device_class,
            of.is_served,
            of.place.map(|(number, _)| i32::try_from(number).unwrap_or(i32::MAX)),
            of.place.map(|(_, at)| at),
            i32::try_from(of.remaining).unwrap_or(i32::MAX),
            now,
        )
        .execute(&mut *tx)
        .await?;
    }
    Ok(())
}
