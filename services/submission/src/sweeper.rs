//! Ends uploads that nobody completed, and drops archives that nobody needs.

use molar_objects::{Bucket, Store};
use molar_service::db;
use sqlx::PgPool;
use uuid::Uuid;

use crate::quota;
use crate::rows::images;
use crate::rows::uploads::{self, Upload};

const BATCH: i64 = 20;

/// Expires what is due and gives its quota back; then drops what is in the store of anything that was
/// expired or cancelled, until the store has said that it is gone.
pub async fn sweep(db: &PgPool, store: &Store) -> sqlx::Result<()> {
    loop {
        let expired = expire_some(db).await?;
        for upload in &expired {
            tracing::info!(submission.id = %upload.submission_id, "upload expired");
        }
        if expired.len() < BATCH as usize {
            break;
        }
    }
    let mut after = Uuid::nil();
    loop {
        let undropped = uploads::undropped(db, after, BATCH).await?;
        for upload in &undropped {
            drop_file(db, store, upload).await?;
        }
        // What could not be dropped is passed over, and comes again in the next round.
        match undropped.last() {
            Some(last) => after = last.submission_id,
            None => return Ok(()),
        }
    }
}

/// Drops the archives of images that are stored by their layers. A worker that reads one right now tries
/// again, by layers: those stay while the transaction holds their image.
pub async fn drop_archives(db: &PgPool, store: &Store) -> sqlx::Result<()> {
    let mut after = Uuid::nil();
    loop {
        let mut tx = db.begin().await?;
        let now = db::now(&mut *tx).await?;
        let spares = images::spare_archives(&mut tx, after, BATCH).await?;
        for spare in &spares {
            match store.delete(Bucket::Uploads, &spare.object_key).await {
                Ok(()) => images::note_removed(&mut *tx, spare.submission_id, now).await?,
                // It only costs space until the next round.
                Err(error) => tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    submission.id = %spare.submission_id,
                    "the archive could not be dropped"
                ),
            }
        }
        tx.commit().await?;
        match spares.last() {
            Some(last) => after = last.submission_id,
            None => return Ok(()),
        }
    }
}

async fn expire_some(db: &PgPool) -> sqlx::Result<Vec<Upload>> {
    let mut tx = db.begin().await?;
    let now = db::now(&mut *tx).await?;
    uploads::follow_phases(&mut tx).await?;
    let expired = uploads::expire(&mut tx, now, BATCH).await?;
    for upload in &expired {
        quota::settle_one(&mut tx, upload.submission_id, now).await?;
    }
    tx.commit().await?;
    Ok(expired)
}

/// Nobody will ask for the file again. Whether it is gone: the sweeper tries again if not.
pub async fn drop_file(db: &PgPool, store: &Store, upload: &Upload) -> sqlx::Result<bool> {
    let key = &upload.object_key;
    let aborted = store
        .abort_multipart(Bucket::Uploads, key, &upload.multipart_id)
        .await;
    let deleted = store.delete(Bucket::Uploads, key).await;
    if let Err(error) = aborted.and(deleted) {
        tracing::warn!(
            error = &error as &dyn std::error::Error,
            submission.id = %upload.submission_id,
            "the file could not be dropped"
        );
        return Ok(false);
    }
    let now = db::now(db).await?;
    uploads::note_dropped(db, upload.submission_id, now).await?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use molar_domain::upload::UploadState;
    use molar_testkit::{SubmissionBuilder, noon};
    use sqlx::PgPool;

    use super::*;
    use crate::testing::World;

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn an_upload_past_its_time_expires_and_its_quota_comes_back(pool: PgPool) {
        let world = World::new(&pool).await;
        let old = SubmissionBuilder::new(&world.challenge, &world.team)
            .state(UploadState::Open)
            .created_at(noon() - chrono::TimeDelta::days(365))
            .insert(&pool)
            .await;
        let fresh = world.create("{}").await;
        sweep(&world.db, &world.store).await.unwrap();
        sweep(&world.db, &world.store).await.unwrap();

        let state = |id: Uuid| {
            let pool = pool.clone();
            async move { uploads::find(&pool, id).await.unwrap().state }
        };
        assert_eq!(state(old.id.0).await, "expired");
        assert_eq!(state(fresh).await, "open");
        let returned = sqlx::query_scalar!(
            r#"SELECT count(*) AS "n!" FROM submission.quota_ledger WHERE entry = 'returned'"#
        );
        assert_eq!(returned.fetch_one(&pool).await.unwrap(), 1);
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn an_abandoned_upload_is_aborted_in_the_store_once_that_answers(pool: PgPool) {
        let world = World::new(&pool).await;
        let (id, _) = world.put(b"some bytes", b"some bytes").await;
        let upload = uploads::find(&pool, id).await.unwrap();
        let parts = async || {
            let (key, multipart) = (&upload.object_key, &upload.multipart_id);
            world
                .store
                .list_parts(Bucket::Uploads, key, multipart)
                .await
        };
        let old = "UPDATE submission.submissions SET created_at = created_at - interval '25 hours'";
        sqlx::raw_sql(old).execute(&pool).await.unwrap();
        sweep(&world.db, &world.nowhere()).await.unwrap();
        assert_eq!(uploads::find(&pool, id).await.unwrap().state, "expired");
        assert_eq!(parts().await.unwrap().len(), 1);

        sweep(&world.db, &world.store).await.unwrap();
        let gone = parts().await;
        assert!(
            matches!(gone, Err(molar_objects::Error::NotFound)),
            "{gone:?}"
        );
        assert!(
            uploads::undropped(&pool, Uuid::nil(), 9)
                .await
                .unwrap()
                .is_empty()
        );
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn an_upload_under_way_ends_with_its_phase_when_that_is_moved(pool: PgPool) {
        let world = World::new(&pool).await;
        let (id, _) = world.put(b"some bytes", b"some bytes").await;
        for hours in ["1 hour", "3 hours"] {
            let moved = format!(
                "UPDATE tracks.phases SET upload_grace_s = 0, closes_at = date_trunc('hour', now()) + interval '{hours}'"
            );
            sqlx::raw_sql(sqlx::AssertSqlSafe(moved))
                .execute(&pool)
                .await
                .unwrap();
            sweep(&world.db, &world.store).await.unwrap();
            let upload = uploads::find(&pool, id).await.unwrap();
            let closes = sqlx::query_scalar!("SELECT closes_at FROM tracks.phases LIMIT 1");
            let closes = closes.fetch_one(&pool).await.unwrap();
            assert_eq!((upload.state.as_str(), upload.open_until), ("open", closes));
        }
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn uploads_that_cannot_be_dropped_do_not_keep_later_ones_from_it(pool: PgPool) {
        let world = World::new(&pool).await;
        for number in 0..BATCH {
            let id = SubmissionBuilder::new(&world.challenge, &world.team)
                .state(UploadState::Cancelled)
                .cancelled()
                .insert(&pool)
                .await;
            // No store takes such a key.
            let key = format!("{}{number}", "k".repeat(2000));
            let sql = format!(
                "UPDATE submission.uploads SET object_key = '{key}' WHERE submission_id = '{}'",
                id.id
            );
            sqlx::raw_sql(sqlx::AssertSqlSafe(sql))
                .execute(&pool)
                .await
                .unwrap();
        }
        let (id, _) = world.put(b"some bytes", b"some bytes").await;
        sqlx::query!(
            "UPDATE submission.uploads SET state = 'cancelled', decided_at = now() WHERE submission_id = $1",
            id
        )
        .execute(&pool)
        .await
        .unwrap();
        let last = uploads::undropped(&pool, Uuid::nil(), 99).await.unwrap();
        assert_eq!(last.last().unwrap().submission_id, id);
        sweep(&world.db, &world.store).await.unwrap();
        let left = uploads::undropped(&pool, Uuid::nil(), 99).await.unwrap();
        assert!(left.iter().all(|upload| upload.submission_id != id));
        assert_eq!(left.len() as i64, BATCH);
    }
}
