//! Ends uploads that nobody completed, and drops archives that nobody needs.

use molar_objects::{Bucket, Store};
use molar_service::db;
use sqlx::PgPool;

use crate::quota;
use crate::rows::images;
use crate::rows::uploads::{self, Upload};

const BATCH: i64 = 20;

/// Expires what is due, gives its quota back, and drops its parts.
pub async fn sweep(db: &PgPool, store: &Store) -> sqlx::Result<()> {
    loop {
        let expired = expire_some(db).await?;
        for upload in &expired {
            tracing::info!(submission.id = %upload.submission_id, "upload expired");
            drop_file(store, upload).await;
        }
        if expired.len() < BATCH as usize {
            return Ok(());
        }
    }
}

/// Drops the archives of images that are stored by their layers. A worker that reads one right now tries
/// again, by layers.
pub async fn drop_archives(db: &PgPool, store: &Store) -> sqlx::Result<()> {
    let now = db::now(db).await?;
    for spare in images::spare_archives(db, BATCH).await? {
        match store.delete(Bucket::Uploads, &spare.object_key).await {
            Ok(()) => images::note_removed(db, spare.submission_id, now).await?,
            // It only costs space until the next round.
            Err(error) => tracing::warn!(
                error = &error as &dyn std::error::Error,
                submission.id = %spare.submission_id,
                "the archive could not be dropped"
            ),
        }
    }
    Ok(())
}

async fn expire_some(db: &PgPool) -> sqlx::Result<Vec<Upload>> {
    let mut tx = db.begin().await?;
    let now = db::now(&mut *tx).await?;
    let expired = uploads::expire(&mut tx, now, BATCH).await?;
    for upload in &expired {
        quota::settle_one(&mut tx, upload.submission_id, now).await?;
    }
    tx.commit().await?;
    Ok(expired)
}

/// Nobody will ask for the file again. If it cannot be dropped it only costs space, until the store's own
/// rule for unfinished uploads.
pub async fn drop_file(store: &Store, upload: &Upload) {
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
    }
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

        let state = |id: uuid::Uuid| {
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
}
