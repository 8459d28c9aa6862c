//! Releases waiting case runs, in turns of the teams, as fast as workers take them.

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::join_all;
use molar_domain::CaseRunId;
use molar_domain::case_run::{CaseRunState, Event};
use molar_domain::dispatch::{Room, change};
use molar_queue::Publish;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::rows::turns;
use crate::rows::workers::{Class, SILENCE, live_classes};
use crate::{Result, doorbell};

/// No more than keeps the slots busy until the next round: what is released is a message to workers, and
/// those of a turn that is taken back find nothing or another.
const AHEAD: i64 = 2;

fn ahead(slots: i64) -> usize {
    usize::try_from(AHEAD * slots).unwrap_or(0)
}

/// A bell that nobody answered is rung again after this.
const PATIENCE: TimeDelta = TimeDelta::seconds(60);

/// One round for every class that has workers.
pub async fn release(db: &PgPool, publisher: &dyn Publish, now: DateTime<Utc>) -> Result<usize> {
    let mut count = 0;
    for class in live_classes(db, now).await? {
        let released = release_of(db, &class, now).await?;
        count += released.len();
        join_all(
            released
                .iter()
                .map(|run| doorbell::released(publisher, &class.name, *run)),
        )
        .await;
    }
    Ok(count)
}

async fn release_of(db: &PgPool, class: &Class, now: DateTime<Utc>) -> Result<Vec<CaseRunId>> {
    let mut tx = db.begin().await?;
    // Two processes that look at once would each fill the same room.
    sqlx::query_scalar!(
        r#"SELECT pg_advisory_xact_lock(hashtextextended('execution.dispatch:' || $1, 0))::text"#,
        class.name,
    )
    .fetch_one(&mut *tx)
    .await?;
    let (mut released, waiting) = turns::list(&mut *tx, class, now).await?;
    if waiting.is_empty() {
        tx.rollback().await?;
        return Ok(Vec::new());
    }
    released.extend_from_slice(&waiting);
    let shares = turns::shares(&mut *tx, &class.name, &released).await?;
    released.truncate(released.len() - waiting.len());
    let room = Room {
        all: ahead(class.slots),
        gpus: ahead(class.gpus),
    };
    let share = |team| shares.get(&team).copied().unwrap_or_default();
    let change = change(&released, &waiting, share, room);
    mark(
        &mut tx,
        &change.recall,
        (CaseRunState::Released, Event::Recall),
        now,
    )
    .await?;
    let released = mark(
        &mut tx,
        &change.release,
        (CaseRunState::Waiting, Event::Release),
        now,
    )
    .await?;
    tx.commit().await?;
    Ok(released)
}

/// Leaves out what somebody else holds at this moment: a claim or a cancel, most likely.
async fn mark(
    tx: &mut PgConnection,
    chosen: &[CaseRunId],
    (from, event): (CaseRunState, Event),
    now: DateTime<Utc>,
) -> Result<Vec<CaseRunId>> {
    let ids: Vec<Uuid> = chosen.iter().map(|id| id.0).collect();
    let to = from.apply(event)?;
    let marked = sqlx::query_scalar!(
        "UPDATE execution.case_runs SET state = $3, released_at = CASE WHEN $3 = 'released' THEN $4 ELSE released_at END
         WHERE id IN (SELECT id FROM execution.case_runs WHERE id = ANY($1) AND state = $2 FOR UPDATE SKIP LOCKED)
         RETURNING id",
        &ids,
        from.as_str(),
        to.as_str(),
        now,
    )
    .fetch_all(tx)
    .await?;
    Ok(marked.into_iter().map(CaseRunId).collect())
}

/// Once a minute: says what no worker can run, takes back what none can any more, rings again for what
/// was released and not claimed.
pub async fn remind(db: &PgPool, publisher: &dyn Publish, now: DateTime<Utc>) -> Result<()> {
    warn_of_unservable(db, now).await?;
    let recalled = recall(db, now).await?;
    if recalled > 0 {
        tracing::warn!(recalled, "released case runs have no worker left");
    }
    let forgotten = sqlx::query!(
        "SELECT r.id, a.device_class FROM execution.case_runs r JOIN execution.attempts a ON a.id = r.attempt_id
         WHERE r.state = 'released' AND r.released_at <= $1 ORDER BY r.released_at LIMIT 100",
        now - PATIENCE,
    )
    .fetch_all(db)
    .await?;
    join_all(
        forgotten
            .iter()
            .map(|run| doorbell::released(publisher, &run.device_class, run.id.into())),
    )
    .await;
    Ok(())
}

async fn warn_of_unservable(db: &PgPool, now: DateTime<Utc>) -> Result<()> {
    let unservable = sqlx::query!(
        r#"SELECT a.phase_id, a.device_class, (a.limits->>'memory_bytes')::bigint AS "memory_bytes!",
                  (a.limits->>'gpus')::int AS "gpus!", count(*) AS "waiting!"
           FROM execution.case_runs r JOIN execution.attempts a ON a.id = r.attempt_id
           WHERE r.state IN ('waiting', 'released') AND NOT EXISTS (
               SELECT FROM execution.workers w
               WHERE w.revoked_at IS NULL AND NOT w.is_draining AND w.last_seen_at > $1
                 AND execution.fits(w, a))
           GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4"#,
        now - SILENCE,
    )
    .fetch_all(db)
    .await?;
    for group in unservable {
        tracing::warn!(
            phase.id = %group.phase_id,
            device_class = group.device_class,
            memory_bytes = group.memory_bytes,
            gpus = group.gpus,
            waiting = group.waiting,
            "no live worker can run these case runs"
        );
    }
    Ok(())
}

/// A run that nobody can claim would keep its room for ever.
async fn recall(db: &PgPool, now: DateTime<Utc>) -> Result<u64> {
    let from = CaseRunState::Released;
    let recalled = sqlx::query!(
        "UPDATE execution.case_runs SET state = $2 WHERE id IN (
             SELECT r.id FROM execution.case_runs r JOIN execution.attempts a ON a.id = r.attempt_id
             WHERE r.state = $1 AND r.released_at <= $3 AND NOT EXISTS (
                 SELECT FROM execution.workers w
                 WHERE w.revoked_at IS NULL AND NOT w.is_draining AND w.last_seen_at > $4
                   AND execution.fits(w, a))
             FOR UPDATE OF r SKIP LOCKED)",
        from.as_str(),
        from.apply(Event::Recall)?.as_str(),
        now - PATIENCE,
        now - SILENCE,
    )
    .execute(db)
    .await?;
    Ok(recalled.rows_affected())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use molar_domain::limits::{Limits, Runtime};
    use molar_domain::worker_api::{Beat, Claim, Device};
    use molar_testkit::{ChallengeBuilder, PhaseBuilder, WorkerBuilder};

    use super::*;
    use crate::testing::World;

    async fn in_flight_by_team(world: &World) -> BTreeMap<String, i64> {
        let rows = sqlx::query!(
            r#"SELECT t.name, count(*) AS "count!" FROM execution.case_runs r
               JOIN execution.attempts a ON a.id = r.attempt_id JOIN registration.teams t ON t.id = a.team_id
               WHERE r.state IN ('released', 'running') GROUP BY 1"#
        )
        .fetch_all(&world.pool)
        .await
        .unwrap();
        rows.into_iter().map(|row| (row.name, row.count)).collect()
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn hidden_cases_wait_for_the_canary(pool: PgPool) {
        let world = World::new(pool).await;
        assert_eq!(world.dispatch().await, 1);
        assert_eq!(world.dispatch().await, 0);
        world.run_one().await;
        assert_eq!(world.dispatch().await, 2);
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn no_more_is_released_than_the_room_however_many_look(pool: PgPool) {
        let cases = ["A", "B", "C", "D", "E", "F", "G", "H"];
        let world = World::of(pool, ChallengeBuilder::new("teeth").cases(&cases)).await;
        world.run_one().await;
        // Two slots, twice as many ahead.
        let (one, two) = tokio::join!(world.dispatch(), world.dispatch());
        assert_eq!(one + two, 4);
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn teams_take_turns(pool: PgPool) {
        let cases = ["A", "B", "C", "D", "E", "F", "G", "H"];
        let world = World::of(pool, ChallengeBuilder::new("teeth").cases(&cases)).await;
        world.run_one().await;
        world.submit("Theirs").await;
        world.run_one().await;
        world.dispatch().await;
        while world
            .claim_as(world.worker.id, &Claim::default())
            .await
            .is_some()
        {}
        world.dispatch().await;
        let shares = in_flight_by_team(&world).await;
        let expected = [("Ours".to_owned(), 4), ("Theirs".to_owned(), 4)];
        assert_eq!(shares, expected.into());
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn nothing_is_released_to_workers_that_cannot_run_it(pool: PgPool) {
        let gpu = PhaseBuilder::new("final").device_class("gpu");
        let world = World::of(pool, ChallengeBuilder::new("teeth").phase(gpu)).await;
        WorkerBuilder::new("small")
            .device_class("gpu")
            .slot_memory_bytes(1 << 30)
            .insert(&world.pool)
            .await;
        assert_eq!(world.dispatch().await, 0);
        remind(&world.db, &*world.rung, world.now()).await.unwrap();
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn what_needs_a_gpu_is_taken_back_when_the_last_one_is_gone(pool: PgPool) {
        let limits = Limits {
            gpus: 1,
            ..Limits::default()
        };
        let phase = PhaseBuilder::new("final").limits(limits);
        let world = World::of(pool, ChallengeBuilder::new("teeth").phase(phase)).await;
        let mut beat = Beat {
            device: Device::default(),
            slots: 2,
            gpus: 2,
            slot_memory_bytes: 32 << 30,
            runtimes: Vec::new(),
            keeps_root_out: true,
            remaps_users: true,
        };
        assert_eq!(world.call("beat", &beat).await.0, 200);
        assert_eq!(world.dispatch().await, 1);
        world.pass(60).await;
        beat.gpus = 0;
        assert_eq!(world.call("beat", &beat).await.0, 200);
        remind(&world.db, &*world.rung, world.now()).await.unwrap();
        assert_eq!(world.runs().await[0], CaseRunState::Waiting);
        assert_eq!(world.dispatch().await, 0);
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_phase_that_asks_for_a_runtime_waits_for_a_worker_that_has_it(pool: PgPool) {
        let limits = Limits {
            runtime: Some(Runtime::Runsc),
            ..Limits::default()
        };
        let phase = PhaseBuilder::new("final").limits(limits);
        let world = World::of(pool, ChallengeBuilder::new("teeth").phase(phase)).await;
        assert_eq!(world.dispatch().await, 0);
        let beat = Beat {
            device: Device::default(),
            slots: 1,
            gpus: 0,
            slot_memory_bytes: 32 << 30,
            runtimes: vec![Runtime::Runc, Runtime::Runsc],
            keeps_root_out: true,
            remaps_users: true,
        };
        let other = WorkerBuilder::new("other").insert(&world.pool).await;
        assert_eq!(world.call_with(&other.key, "beat", &beat).await.0, 200);
        assert_eq!(world.dispatch().await, 1);
        let any = Claim::default();
        assert!(world.claim_as(world.worker.id, &any).await.is_none());
        assert!(world.claim_as(other.id, &any).await.is_some());
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn an_image_that_may_be_root_goes_where_root_is_kept_out(pool: PgPool) {
        let world = World::new(pool).await;
        sqlx::query!("UPDATE execution.attempts SET may_be_root = true")
            .execute(&world.pool)
            .await
            .unwrap();
        sqlx::query!("UPDATE execution.workers SET keeps_root_out = false, remaps_users = false")
            .execute(&world.pool)
            .await
            .unwrap();
        assert_eq!(world.dispatch().await, 0);
        let safe = WorkerBuilder::new("safe").insert(&world.pool).await;
        assert_eq!(world.dispatch().await, 1);
        let any = Claim::default();
        assert!(world.claim_as(world.worker.id, &any).await.is_none());
        assert!(world.claim_as(safe.id, &any).await.is_some());
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn what_nobody_claims_is_rung_again_and_taken_back_when_nobody_can(pool: PgPool) {
        let world = World::new(pool).await;
        world.dispatch().await;
        world.pass(60).await;
        remind(&world.db, &*world.rung, world.now()).await.unwrap();
        assert_eq!(world.rung.keys(), ["worker.cpu", "worker.cpu"]);

        world.clock.advance(TimeDelta::seconds(60));
        remind(&world.db, &*world.rung, world.now()).await.unwrap();
        assert_eq!(world.runs().await[0], CaseRunState::Waiting);
        assert_eq!(world.dispatch().await, 0);
        world.pass(1).await;
        assert_eq!(world.dispatch().await, 1);
    }
}
