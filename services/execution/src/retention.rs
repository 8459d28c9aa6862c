//! Removes outputs, logs and curves of a phase's runs, once its retention is over and its organizers know of it.
//!
//! In steps that each can be the last before a crash: the removal is a row; attempts are marked with it, and from then on
//! what they wrote is said to be gone; everything below an attempt's key goes, also what a lost lease left there; that is
//! noted and counted. When nothing is left to do the removal ends, with one entry in the audit log.

use chrono::{DateTime, Utc};
use molar_domain::uuid_at;
use molar_objects::{Bucket, Store};
use molar_service::{audit, db};
use molar_web_kit::ApiError;
use serde_json::json;
use sqlx::PgPool;
use uuid::Uuid;

use crate::Result;
use crate::rows::removals::{self, Removal};

const BATCH: i64 = 50;

/// Begins what is due and goes on with what is not finished.
pub async fn sweep(db: &PgPool, store: &Store, now: DateTime<Utc>) -> Result<()> {
    for phase in removals::due(db, now).await? {
        let mut tx = db.begin().await?;
        db::lock_phase(&mut tx, phase).await?;
        removals::begin(&mut *tx, uuid_at(now), phase, now).await?;
        tx.commit().await?;
    }
    for removal in removals::open(db).await? {
        removals::mark(db, &removal, now).await?;
        remove(db, store, &removal, now).await?;
        finish(db, &removal, now).await?;
    }
    Ok(())
}

/// Says that the files of a run are gone, where they are.
pub async fn require_kept(db: &PgPool, case_run: Uuid) -> Result<(), ApiError> {
    match removals::of_run(db, case_run).await? {
        None => Ok(()),
        Some(removed) => Err(ApiError::gone(format!(
            "{removed}; scores and ranks stay. Ask the organizers what else they keep"
        ))
        .with_code("files-removed")),
    }
}

/// What the store does not let go of is passed over, and comes again in the next round.
async fn remove(db: &PgPool, store: &Store, removal: &Removal, now: DateTime<Utc>) -> Result<()> {
    let mut after = Uuid::nil();
    loop {
        let marked = removals::marked(db, removal.id, after, BATCH).await?;
        let Some(last) = marked.last() else {
            return Ok(());
        };
        after = *last;
        for attempt in marked {
            let mut gone = Gone::default();
            let emptied = empty(store, attempt, &mut gone).await;
            let mut tx = db.begin().await?;
            removals::count(&mut *tx, removal.id, gone.files, gone.size_bytes).await?;
            match emptied {
                Ok(()) => removals::note_removed(&mut tx, attempt, now).await?,
                Err(error) => tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    attempt.id = %attempt,
                    "files of runs whose retention is over could not be removed"
                ),
            }
            tx.commit().await?;
        }
    }
}

#[derive(Default)]
struct Gone {
    files: i64,
    size_bytes: i64,
}

async fn empty(store: &Store, attempt: Uuid, gone: &mut Gone) -> molar_objects::Result<()> {
    for bucket in [Bucket::Outputs, Bucket::Logs] {
        for object in store.list(bucket, &format!("attempt/{attempt}/")).await? {
            store.delete(bucket, &object.key).await?;
            gone.files += 1;
            gone.size_bytes += i64::try_from(object.size).unwrap_or(i64::MAX);
        }
    }
    Ok(())
}

async fn finish(db: &PgPool, removal: &Removal, now: DateTime<Utc>) -> Result<()> {
    let mut tx = db.begin().await?;
    if let Some(counted) = removals::finish(&mut *tx, removal.id, now).await? {
        tracing::info!(phase.id = %removal.phase_id, files = counted.files, size_bytes = counted.size_bytes,
            "outputs, logs and curves were removed under their phase's retention");
        let details = json!({"phase_id": removal.phase_id, "removal_id": removal.id, "of": "outputs, logs and curves",
            "retention_days": removal.retention_days, "begun_at": removal.begun_at, "files": counted.files,
            "size_bytes": counted.size_bytes});
        let (action, subject) = ("phase.files_removed", removal.phase_id);
        audit::append(&mut tx, now, None, action, subject, details, None).await?;
    }
    tx.commit().await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use molar_domain::attempt::AttemptState;
    use molar_service::Role;
    use molar_testkit::as_role;

    use super::*;
    use crate::testing::World;

    const DAYS: i32 = 30;

    /// A container that has run, in a phase that closes now and keeps its files for 30 days, of which was told.
    async fn ended(pool: PgPool) -> World {
        let world = World::new(pool).await;
        for _ in 0..3 {
            world.run_one().await;
        }
        // What a worker put that had lost its lease.
        let orphan = format!(
            "attempt/{}/{}/{}/log.txt",
            world.attempt_id().await,
            Uuid::nil(),
            Uuid::nil()
        );
        world
            .state
            .store
            .put_bytes(Bucket::Logs, &orphan, "text/plain", "late")
            .await
            .unwrap();
        sqlx::query!(
            "UPDATE tracks.phases SET opens_at = $1::timestamptz - interval '1 day', closes_at = $1, retention_days = $2",
            world.now(),
            DAYS
        )
        .execute(&world.pool)
        .await
        .unwrap();
        // Scored, so that nothing is in flight.
        sqlx::query!("UPDATE execution.attempts SET state = 'failed', failure = 'worker-lost'")
            .execute(&world.pool)
            .await
            .unwrap();
        sqlx::query!(
            "INSERT INTO registration.retention_notices
             SELECT phase_id, due_at, due_at, due_at - interval '10 days', 3, 100 FROM tracks.phase_retention"
        )
        .execute(&world.pool)
        .await
        .unwrap();
        world
    }

    async fn stored(world: &World) -> usize {
        let mut all = 0;
        for bucket in [Bucket::Outputs, Bucket::Logs] {
            all += world.state.store.list(bucket, "").await.unwrap().len();
        }
        all
    }

    async fn sweep_now(world: &World) {
        sweep(&world.db, &world.state.store, world.now())
            .await
            .unwrap();
    }

    async fn entries(world: &World) -> Vec<serde_json::Value> {
        let details = sqlx::query_scalar!(
            "SELECT details FROM audit.entries WHERE action = 'phase.files_removed'"
        );
        details.fetch_all(&world.pool).await.unwrap()
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn what_runs_wrote_goes_when_its_days_are_over_with_one_entry_that_counts_it(
        pool: PgPool,
    ) {
        let world = ended(pool).await;
        world
            .clock
            .advance(TimeDelta::days(30) - TimeDelta::seconds(1));
        sweep_now(&world).await;
        assert_eq!(stored(&world).await, 4);
        world.clock.advance(TimeDelta::seconds(1));
        sweep_now(&world).await;
        assert_eq!(stored(&world).await, 0);
        let told = entries(&world).await;
        assert_eq!(told.len(), 1);
        let sizes = sqlx::query_scalar!(
            r#"SELECT sum(output_size_bytes)::bigint AS "n!" FROM execution.case_runs"#
        );
        let sizes = sizes.fetch_one(&world.pool).await.unwrap();
        assert_eq!(
            (&told[0]["files"], &told[0]["size_bytes"]),
            (&json!(4), &json!(sizes + 4))
        );
        // What scores name stays, and nothing is swept twice.
        sweep_now(&world).await;
        assert_eq!(entries(&world).await.len(), 1);
        let hashes =
            sqlx::query_scalar!(r#"SELECT count(output_sha256) AS "n!" FROM execution.case_runs"#);
        assert_eq!(hashes.fetch_one(&world.pool).await.unwrap(), 3);
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn nothing_goes_that_organizers_were_not_told_of_for_this_date(pool: PgPool) {
        let world = ended(pool).await;
        sqlx::query!("UPDATE tracks.phases SET retention_days = 2")
            .execute(&world.pool)
            .await
            .unwrap();
        world.clock.advance(TimeDelta::days(90));
        sweep_now(&world).await;
        assert_eq!(stored(&world).await, 4);
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn nothing_goes_while_the_phase_is_scored_or_re_scored(pool: PgPool) {
        let world = ended(pool).await;
        world.clock.advance(TimeDelta::days(90));
        let state = |state: AttemptState, failure: Option<&'static str>| {
            let pool = world.pool.clone();
            async move {
                sqlx::query!(
                    "UPDATE execution.attempts SET state = $1, failure = $2",
                    state.as_str(),
                    failure
                )
                .execute(&pool)
                .await
                .unwrap();
            }
        };
        state(AttemptState::Finished, None).await;
        sweep_now(&world).await;
        assert_eq!(stored(&world).await, 4, "its evaluation is not finished");
        state(AttemptState::Failed, Some("worker-lost")).await;
        sqlx::query!(
            "INSERT INTO scoring.rescorings (id, phase_id, state, scope, reason, scorer_version, reference_set_id,
                 parameters_hash, parameters, from_scorer_version, from_reference_set_id, from_parameters_hash,
                 created_by, created_at, started_at)
             SELECT gen_random_uuid(), p.id, 'computing', 'touched', 'why', '1', r.id, 'h', '{}', '0', r.id, 'g',
                    (SELECT id FROM registration.users LIMIT 1), now(), now()
             FROM tracks.phases p JOIN tracks.reference_sets r ON r.split_id = p.split_id LIMIT 1"
        )
        .execute(&world.pool)
        .await
        .unwrap();
        sweep_now(&world).await;
        assert_eq!(stored(&world).await, 4, "it is measured again");
        sqlx::query!("DELETE FROM scoring.rescorings")
            .execute(&world.pool)
            .await
            .unwrap();
        sweep_now(&world).await;
        assert_eq!(stored(&world).await, 0);
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_sweep_that_died_is_gone_on_with_and_counts_nothing_twice(pool: PgPool) {
        let world = ended(pool).await;
        world.clock.advance(TimeDelta::days(31));
        // It had marked, and deleted one object.
        let phase = removals::due(&world.db, world.now()).await.unwrap()[0];
        let id = uuid_at(world.now());
        assert!(
            removals::begin(&world.db, id, phase, world.now())
                .await
                .unwrap()
        );
        assert!(
            !removals::begin(&world.db, Uuid::new_v4(), phase, world.now())
                .await
                .unwrap()
        );
        let open = removals::open(&world.db).await.unwrap().remove(0);
        removals::mark(&world.db, &open, world.now()).await.unwrap();
        let first = world
            .state
            .store
            .list(Bucket::Outputs, "")
            .await
            .unwrap()
            .remove(0);
        world
            .state
            .store
            .delete(Bucket::Outputs, &first.key)
            .await
            .unwrap();
        removals::count(&world.db, id, 1, i64::try_from(first.size).unwrap())
            .await
            .unwrap();

        // A longer retention does not bring back what was marked.
        sqlx::query!("UPDATE tracks.phases SET retention_days = NULL")
            .execute(&world.pool)
            .await
            .unwrap();
        let db = as_role(&world.pool, Role::Execution).await;
        sweep(&db, &world.state.store, world.now()).await.unwrap();
        assert_eq!(stored(&world).await, 0);
        let told = entries(&world).await;
        assert_eq!((told.len(), &told[0]["files"]), (1, &json!(4)));
    }
}
