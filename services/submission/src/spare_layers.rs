//! Removes images that no submission needs any more, and layers that no image has.
//!
//! The row goes first, and leaves its object's key among the doomed until the store has said that it is gone. Each put
//! has a key of its own, so what a check stores meanwhile is another object. A check that counts on a row that goes meets
//! the foreign key and is tried again, with what is there then.

use chrono::{DateTime, TimeDelta, Utc};
use molar_objects::{Bucket, Store};
use molar_service::db;
use sqlx::PgPool;
use uuid::Uuid;

use crate::rows::images::{self, Spares};

/// Nothing younger goes: its check may still be on its way, and a team may hand in the next version on the same base.
const GRACE: TimeDelta = TimeDelta::days(1);
/// In one transaction.
const BATCH: i64 = 100;

/// Until nothing is left to remove. Returns how many objects went.
pub async fn sweep(db: &PgPool, store: &Store) -> sqlx::Result<u64> {
    let now = db::now(db).await?;
    let doomed = doom(db, None, now).await?;
    drop_doomed(db, store).await?;
    Ok(doomed)
}

/// Takes the rows of all that nobody needs any more. Returns how many.
pub async fn doom(db: &PgPool, removal: Option<Uuid>, now: DateTime<Utc>) -> sqlx::Result<u64> {
    let spare = Spares {
        stored_before: now - GRACE,
        limit: BATCH,
        removal,
    };
    let mut all = 0;
    loop {
        let mut tx = db.begin().await?;
        let images = images::remove_spare(&mut tx, &spare, now).await?;
        let layers = images::remove_spare_layers(&mut *tx, &spare, now).await?;
        tx.commit().await?;
        if images + layers == 0 {
            return Ok(all);
        }
        all += images + layers;
    }
}

/// What the store does not let go of comes again in the next round.
pub async fn drop_doomed(db: &PgPool, store: &Store) -> sqlx::Result<()> {
    let mut after = String::new();
    loop {
        let doomed = images::doomed(db, &after, BATCH).await?;
        let Some(last) = doomed.last() else {
            return Ok(());
        };
        after = last.clone();
        let mut gone = Vec::new();
        for key in doomed {
            if drop_object(store, &key).await {
                gone.push(key);
            }
        }
        let mut tx = db.begin().await?;
        let objects = images::forget_doomed(&mut tx, &gone).await?;
        tx.commit().await?;
        tracing::info!(objects, "images and layers that nobody needs are removed");
    }
}

/// Also of a put that came second. Whether it is gone.
pub async fn drop_object(store: &Store, key: &str) -> bool {
    let deleted = store.delete(Bucket::Layers, key).await;
    if let Err(error) = &deleted {
        // It only costs space, and nothing refers to it.
        tracing::warn!(
            error = error as &dyn std::error::Error,
            key,
            "a layer's object could not be dropped"
        );
    }
    deleted.is_ok()
}

#[cfg(test)]
mod tests {
    use molar_domain::phase::SubmissionKind;
    use molar_testkit::ChallengeBuilder;

    use super::*;
    use crate::testing::{World, image_archive, open_phase};

    const BASE: &[(&str, &[u8])] = &[("bin/sh", b"#!"), ("data", &[7; 5000])];

    async fn world(pool: &PgPool) -> World {
        let phase = open_phase().kind(SubmissionKind::Container);
        let challenge = ChallengeBuilder::new("sts").canary().phase(phase);
        World::with(pool, challenge).await
    }

    async fn submit(world: &World, script: &[u8]) -> Uuid {
        let top: &[(&str, &[u8])] = &[("opt/algorithm/predict.sh", script)];
        let id = world.submit(&image_archive(&[BASE, top], "amd64")).await;
        assert_eq!(world.run_checks().await, 1);
        id
    }

    /// How many layers there are, each with its object.
    async fn layers(world: &World) -> usize {
        let keys = sqlx::query_scalar!("SELECT object_key FROM submission.layers");
        let keys = keys.fetch_all(&world.db).await.unwrap();
        for key in &keys {
            world.store.head(Bucket::Layers, key).await.unwrap();
        }
        keys.len()
    }

    async fn withdraw(pool: &PgPool, id: Uuid) {
        sqlx::query!(
            "UPDATE submission.submissions SET withdrawn_at = now() WHERE id = $1",
            id
        )
        .execute(pool)
        .await
        .unwrap();
    }

    async fn age(pool: &PgPool) {
        for table in ["layers", "images"] {
            let sql = format!(
                "UPDATE submission.{table} SET stored_at = stored_at - interval '25 hours'"
            );
            sqlx::raw_sql(sqlx::AssertSqlSafe(sql))
                .execute(pool)
                .await
                .unwrap();
        }
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn what_no_submission_needs_goes_with_its_objects_and_the_rest_stays(pool: PgPool) {
        let world = world(&pool).await;
        let (first, second) = (
            submit(&world, b"true").await,
            submit(&world, b"false").await,
        );
        let keys = sqlx::query_scalar!("SELECT object_key FROM submission.layers");
        let before = keys.fetch_all(&pool).await.unwrap();
        withdraw(&pool, first).await;
        // Within the grace, and of what is needed, nothing goes.
        assert_eq!(sweep(&world.db, &world.store).await.unwrap(), 0);
        age(&pool).await;
        assert_eq!(sweep(&world.db, &world.store).await.unwrap(), 2);
        assert_eq!(layers(&world).await, 2);
        withdraw(&pool, second).await;
        assert_eq!(sweep(&world.db, &world.store).await.unwrap(), 3);
        assert_eq!(layers(&world).await, 0);
        for key in before {
            assert!(
                world.store.head(Bucket::Layers, &key).await.is_err(),
                "{key}"
            );
        }
        // And can come again, to a team that has nothing in work.
        sqlx::raw_sql("UPDATE submission.submissions SET cancelled_at = now()")
            .execute(&pool)
            .await
            .unwrap();
        submit(&world, b"true").await;
        assert_eq!(layers(&world).await, 2);
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn an_image_that_runs_or_that_another_submission_has_stays(pool: PgPool) {
        let world = world(&pool).await;
        let (first, second) = (submit(&world, b"true").await, submit(&world, b"true").await);
        withdraw(&pool, first).await;
        age(&pool).await;
        assert_eq!(sweep(&world.db, &world.store).await.unwrap(), 0);
        withdraw(&pool, second).await;
        sqlx::query!(
            "INSERT INTO execution.attempts (id, submission_id, number, phase_id, team_id, state, image_digest,
                 archive_key, archive_size_bytes, limits, device_class, format, created_at)
             SELECT gen_random_uuid(), s.id, 1, s.phase_id, s.team_id, 'queued', u.image_digest, 'k', 1, '{}', 'cpu',
                    'labelme', now()
             FROM submission.submissions s JOIN submission.uploads u ON u.submission_id = s.id WHERE s.id = $1",
            second,
        )
        .execute(&pool)
        .await
        .unwrap();
        assert_eq!(sweep(&world.db, &world.store).await.unwrap(), 0);
        sqlx::query!("UPDATE execution.attempts SET state = 'cancelled', finished_at = now()")
            .execute(&pool)
            .await
            .unwrap();
        assert_eq!(sweep(&world.db, &world.store).await.unwrap(), 3);
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_layer_that_goes_while_a_check_counts_on_it_makes_the_check_try_again(pool: PgPool) {
        let world = world(&pool).await;
        let first = submit(&world, b"true").await;
        withdraw(&pool, first).await;
        age(&pool).await;
        // As a check in flight does: it saw all layers stored and puts its own image last.
        let ids = sqlx::query_scalar!("SELECT diff_id FROM submission.layers");
        let ids = ids.fetch_all(&pool).await.unwrap();
        let mut check = world.db.begin().await.unwrap();
        let other = images::Config {
            digest: "sha256:other",
            object_key: "configs/other",
            size_bytes: 1,
        };
        let now = db::now(&pool).await.unwrap();
        images::insert(&mut check, &other, &ids, now).await.unwrap();
        let sweeping = tokio::spawn({
            let (db, store) = (world.db.clone(), world.store.clone());
            async move { sweep(&db, &store).await }
        });
        // The sweep passes over what a transaction holds, and then finds it in use.
        check.commit().await.unwrap();
        let removed = sweeping.await.unwrap().unwrap();
        assert_eq!(layers(&world).await, 2);
        assert_eq!(removed, 1);

        sqlx::query!("DELETE FROM submission.image_layers")
            .execute(&pool)
            .await
            .unwrap();
        sqlx::query!("DELETE FROM submission.images")
            .execute(&pool)
            .await
            .unwrap();
        sweep(&world.db, &world.store).await.unwrap();
        let mut late = world.db.begin().await.unwrap();
        let refused = images::insert(&mut late, &other, &ids, now).await;
        assert!(refused.is_err());
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn an_image_whose_archive_is_being_dropped_stays_and_an_archive_whose_image_goes(
        pool: PgPool,
    ) {
        let world = world(&pool).await;
        let id = submit(&world, b"true").await;
        age(&pool).await;
        let mut dropping = world.db.begin().await.unwrap();
        let archives = images::spare_archives(&mut dropping, Uuid::nil(), 9)
            .await
            .unwrap();
        assert_eq!(archives.len(), 1);
        withdraw(&pool, id).await;
        let now = db::now(&pool).await.unwrap();
        assert_eq!(doom(&world.db, None, now).await.unwrap(), 0);
        dropping.rollback().await.unwrap();

        // The other way round.
        let mut removing = world.db.begin().await.unwrap();
        let spare = Spares {
            stored_before: now - GRACE,
            limit: 9,
            removal: None,
        };
        assert_eq!(
            images::remove_spare(&mut removing, &spare, now)
                .await
                .unwrap(),
            1
        );
        let mut dropping = world.db.begin().await.unwrap();
        let archives = images::spare_archives(&mut dropping, Uuid::nil(), 9)
            .await
            .unwrap();
        assert!(archives.is_empty());
    }
}
