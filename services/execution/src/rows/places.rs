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
/// How long a median counts before it is taken again.
const TAKEN_FOR: TimeDelta = TimeDelta::minutes(1);

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
/// to the report. Taken once a minute: a week of a large challenge is a hundred thousand runs.
pub async fn typical(
    conn: &mut PgConnection,
    phases: &[Uuid],
    now: DateTime<Utc>,
) -> Result<HashMap<Uuid, TimeDelta>> {
    let known = sqlx::query!(
        "SELECT phase_id, millis FROM execution.typical_times WHERE phase_id = ANY($1) AND taken_at > $2",
        phases,
        now - TAKEN_FOR,
    )
    .fetch_all(&mut *conn)
    .await?;
    let mut found: HashMap<_, _> = known
        .into_iter()
        .map(|row| (row.phase_id, TimeDelta::milliseconds(row.millis)))
        .collect();
    let stale = phases.iter().filter(|phase| !found.contains_key(phase));
    let stale: Vec<Uuid> = stale.copied().collect();
    if !stale.is_empty() {
        found.extend(take(conn, &stale, now).await?);
    }
    Ok(found)
}

/// A phase of which no run has ended is looked at again in the next round, which costs little.
async fn take(
    conn: &mut PgConnection,
    phases: &[Uuid],
    now: DateTime<Utc>,
) -> Result<Vec<(Uuid, TimeDelta)>> {
    let rows = sqlx::query!(
        "INSERT INTO execution.typical_times (phase_id, millis, taken_at)
         SELECT a.phase_id, 1000 * percentile_cont(0.5) WITHIN GROUP (
                    ORDER BY extract(epoch FROM r.finished_at - r.claimed_at)::float8), $3
         FROM execution.case_runs r JOIN execution.attempts a ON a.id = r.attempt_id
         WHERE a.phase_id = ANY($1) AND r.state = 'finished' AND r.finished_at > $2
         GROUP BY a.phase_id
         ON CONFLICT (phase_id) DO UPDATE SET millis = excluded.millis, taken_at = excluded.taken_at
         RETURNING phase_id, millis",
        phases,
        now - RECENT,
        now,
    )
    .fetch_all(conn)
    .await?;
    let pairs = rows.into_iter();
    Ok(pairs
        .map(|row| (row.phase_id, TimeDelta::milliseconds(row.millis)))
        .collect())
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
    let number = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
    let classes: Vec<String> = (standings.iter())
        .map(|of| of.device_class.clone())
        .collect();
    let served: Vec<bool> = standings.iter().map(|of| of.is_served).collect();
    let places: Vec<Option<i32>> = (standings.iter())
        .map(|of| of.place.map(|(place, _)| number(place)))
        .collect();
    let starts: Vec<Option<DateTime<Utc>>> = (standings.iter())
        .map(|of| of.place.map(|(_, at)| at))
        .collect();
    let remaining: Vec<i32> = (standings.iter()).map(|of| number(of.remaining)).collect();
    sqlx::query!(
        "INSERT INTO execution.places (attempt_id, device_class, is_served, place, expected_start_at, remaining, seen_at)
         SELECT n.attempt_id, n.device_class, n.is_served, n.place, n.starts_at, n.remaining, $7
         FROM unnest($1::uuid[], $2::text[], $3::bool[], $4::int[], $5::timestamptz[], $6::int[])
              AS n(attempt_id, device_class, is_served, place, starts_at, remaining)
         ON CONFLICT (attempt_id) DO UPDATE SET device_class = excluded.device_class,
             is_served = excluded.is_served, place = excluded.place,
             expected_start_at = excluded.expected_start_at, remaining = excluded.remaining,
             seen_at = excluded.seen_at",
        &attempts,
        &classes,
        &served,
        &places as &[Option<i32>],
        &starts as &[Option<DateTime<Utc>>],
        &remaining,
        now,
    )
    .execute(tx)
    .await?;
    Ok(())
}
