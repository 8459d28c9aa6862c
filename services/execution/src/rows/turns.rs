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
///
/// No attempt that ended before the team's last one began was served later than that one: however many there were, few
/// are looked into.
pub async fn shares(
    db: impl PgExecutor<'_>,
    class: &str,
    of: &[Waiting],
) -> Result<HashMap<TeamId, Share>> {
    let mut teams: Vec<Uuid> = of.iter().map(|run| run.team.0).collect();
    teams.sort_unstable();
    teams.dedup();
    let rows = sqlx::query!(
        r#"WITH running AS (
               SELECT a.team_id, count(*) AS runs
               FROM execution.case_runs r JOIN execution.attempts a ON a.id = r.attempt_id
               WHERE r.state = 'running' AND a.device_class = $1 AND NOT a.is_rerun GROUP BY a.team_id)
           SELECT t.team_id AS "team_id!", COALESCE(running.runs, 0) AS "running!", served.last_at AS last_served_at
           FROM unnest($2::uuid[]) AS t (team_id)
           LEFT JOIN running ON running.team_id = t.team_id
           CROSS JOIN LATERAL (
               SELECT max(a.started_at) AS started_at FROM execution.attempts a
               WHERE a.team_id = t.team_id AND a.device_class = $1 AND NOT a.is_rerun) AS newest
           CROSS JOIN LATERAL (
               SELECT max(run.claimed_at) AS last_at FROM execution.attempts a
               CROSS JOIN LATERAL (
                   SELECT max(r.claimed_at) AS claimed_at FROM execution.case_runs r WHERE r.attempt_id = a.id) AS run
               WHERE a.team_id = t.team_id AND a.device_class = $1 AND NOT a.is_rerun
                 AND (a.finished_at IS NULL OR a.finished_at >= newest.started_at)) AS served"#,
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

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use molar_domain::attempt::AttemptState::{self, Finished, Queued, Running};
    use molar_service::Role;
    use molar_testkit::{
        AttemptBuilder, ChallengeBuilder, PhaseBuilder, SubmissionBuilder, TeamBuilder, as_role,
        noon,
    };

    use super::*;

    fn minute(number: i64) -> DateTime<Utc> {
        noon() + TimeDelta::minutes(number)
    }

    /// Of a team with these attempts: state, begun, ended, last claim of one of its runs; in minutes from noon.
    async fn share_with(
        owner: &PgPool,
        name: &str,
        attempts: &[(AttemptState, [Option<i64>; 3])],
    ) -> Share {
        let phase = PhaseBuilder::new("final").kind(molar_domain::phase::SubmissionKind::Container);
        let challenge = ChallengeBuilder::new(name).phase(phase).insert(owner).await;
        let team = TeamBuilder::new(&challenge, name).insert(owner).await;
        for (state, minutes) in attempts {
            let submission = SubmissionBuilder::new(&challenge, &team).container();
            let submission = submission.insert(owner).await;
            let attempt = AttemptBuilder::new(&challenge, &submission).state(*state);
            let attempt = attempt.insert(owner).await;
            let [started, finished, claimed] = minutes.map(|of| of.map(minute));
            sqlx::query!(
                "UPDATE execution.attempts SET started_at = $2, finished_at = $3 WHERE id = $1",
                attempt.id.0,
                started,
                finished,
            )
            .execute(owner)
            .await
            .unwrap();
            sqlx::query!(
                "UPDATE execution.case_runs SET claimed_at = CASE position
                     WHEN (SELECT max(position) FROM execution.case_runs WHERE attempt_id = $1) THEN $2::timestamptz
                     ELSE $3 END
                 WHERE attempt_id = $1",
                attempt.id.0,
                claimed,
                started,
            )
            .execute(owner)
            .await
            .unwrap();
        }
        let db = as_role(owner, Role::Execution).await;
        let waiting = [Waiting {
            case_run: Uuid::nil().into(),
            team: team.id,
            needs_gpu: false,
            is_rerun: false,
            preference: 0,
            order: (Uuid::nil(), 0),
        }];
        let shares = shares(&db, "cpu", &waiting).await.unwrap();
        shares[&team.id]
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_team_was_last_served_by_whichever_attempt_was_whenever_that_began(owner: PgPool) {
        let old = (Finished, [Some(0), Some(9), Some(8)]);
        // It went on while the next had begun and was served.
        let long = (Finished, [Some(10), Some(60), Some(50)]);
        let newest = (Running, [Some(40), None, Some(41)]);
        let waits = (Queued, [None, None, None]);
        for (name, attempts, last) in [
            ("none", vec![], None),
            ("waits", vec![waits], None),
            ("old", vec![old, waits], Some(8)),
            ("newest", vec![old, newest], Some(41)),
            ("long", vec![old, long, newest, waits], Some(50)),
        ] {
            let share = share_with(&owner, name, &attempts).await;
            assert_eq!(share.last_served_at, last.map(minute), "{name}");
        }
    }
}
