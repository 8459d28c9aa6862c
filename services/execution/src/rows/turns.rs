//! What fair dispatch is decided by: who waits, and how the teams stand.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use molar_domain::dispatch::{Share, Waiting};
use molar_domain::{TeamId, WorkerId};
use sqlx::{PgExecutor, PgPool};
use uuid::Uuid;

use super::workers::{Class, SILENCE};
use crate::Result;

struct Row {
    id: Uuid,
    team_id: Uuid,
    is_rerun: bool,
    attempt_id: Uuid,
    position: i32,
    needs_gpu: bool,
    is_released: bool,
}

/// What has not begun and could: the first run of each attempt, the others once that one has passed.
/// Those that are released, and those that wait to be.
pub async fn list(
    db: impl PgExecutor<'_>,
    class: &Class,
    now: DateTime<Utc>,
) -> Result<(Vec<Waiting>, Vec<Waiting>)> {
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT r.id, a.team_id, a.is_rerun, r.attempt_id, r.position, (a.limits->>'gpus')::int > 0 AS "needs_gpu!", r.state = 'released' AS "is_released!"
           FROM execution.case_runs r JOIN execution.attempts a ON a.id = r.attempt_id
           WHERE a.device_class = $1
             AND (r.state = 'released' OR r.state = 'waiting' AND r.not_before <= $2
                  AND EXISTS (SELECT FROM execution.workers w
                              WHERE w.revoked_at IS NULL AND NOT w.is_draining AND w.last_seen_at > $3
                                AND execution.fits(w, a))
                  AND (a.canary_passed_at IS NOT NULL
                       OR r.position = (SELECT min(o.position) FROM execution.case_runs o WHERE o.attempt_id = a.id)))"#,
        class.name,
        now,
        now - SILENCE,
    )
    .fetch_all(db)
    .await?;
    let (released, waiting): (Vec<_>, Vec<_>) = rows.into_iter().partition(|row| row.is_released);
    let of = |rows: Vec<Row>| rows.into_iter().map(Row::waiting).collect();
    Ok((of(released), of(waiting)))
}

impl Row {
    fn waiting(self) -> Waiting {
        Waiting {
            case_run: self.id.into(),
            team: self.team_id.into(),
            needs_gpu: self.needs_gpu,
            is_rerun: self.is_rerun,
            preference: 0,
            order: (self.attempt_id, self.position),
        }
    }
}

/// How each of these teams stands on this class of devices, without what organizers run again.
pub async fn shares(
    db: impl PgExecutor<'_>,
    class: &str,
    of: &[Waiting],
) -> Result<HashMap<TeamId, Share>> {
    let mut teams: Vec<Uuid> = of.iter().map(|run| run.team.0).collect();
    teams.sort_unstable();
    teams.dedup();
    let rows = sqlx::query!(
        r#"SELECT a.team_id, count(*) FILTER (WHERE r.state = 'running' AND NOT a.is_rerun) AS "running!",
                  max(r.claimed_at) FILTER (WHERE NOT a.is_rerun) AS last_served_at
           FROM execution.attempts a JOIN execution.case_runs r ON r.attempt_id = a.id
           WHERE a.team_id = ANY($2) AND a.device_class = $1 GROUP BY a.team_id"#,
        class,
        &teams,
    )
    .fetch_all(db)
    .await?;
    let shares = rows.into_iter().map(|row| {
        let share = Share {
            running: u32::try_from(row.running).unwrap_or(u32::MAX),
            last_served_at: row.last_served_at,
        };
        (row.team_id.into(), share)
    });
    Ok(shares.collect())
}

/// The slot that asks for something to run.
#[derive(Debug, Clone, Copy)]
pub struct Slot {
    pub worker: WorkerId,
    pub has_gpu: bool,
}

/// What a slot could claim now. The run that its doorbell named is preferred among those of one team, then
/// those of an image that the worker has.
pub async fn claimable(
    db: &PgPool,
    slot: Slot,
    hint: Option<Uuid>,
    images: &[String],
) -> Result<Vec<Waiting>> {
    let rows = sqlx::query!(
        r#"SELECT r.id, a.team_id, a.is_rerun, r.attempt_id, r.position,
                  (a.limits->>'gpus')::int > 0 AS "needs_gpu!", a.image_digest = ANY($2) AS "has_image!"
           FROM execution.case_runs r JOIN execution.attempts a ON a.id = r.attempt_id
           JOIN execution.workers w ON w.id = $1 AND execution.fits(w, a)
           WHERE r.state = 'released' AND ($3 OR (a.limits->>'gpus')::int = 0)"#,
        slot.worker.0,
        images,
        slot.has_gpu,
    )
    .fetch_all(db)
    .await?;
    let runs = rows.into_iter().map(|row| Waiting {
        case_run: row.id.into(),
        team: row.team_id.into(),
        needs_gpu: row.needs_gpu,
        is_rerun: row.is_rerun,
        preference: match (hint == Some(row.id), row.has_image) {
            (true, _) => 0,
            (false, true) => 1,
            (false, false) => 2,
        },
        order: (row.attempt_id, row.position),
    });
    Ok(runs.collect())
}
