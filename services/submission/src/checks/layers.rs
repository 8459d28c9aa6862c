//! Stores an accepted image by its layers, each once whoever brings it.

use std::collections::BTreeMap;
use std::path::Path;

use molar_domain::uuid_at;
use molar_objects::Bucket;
use molar_sandbox::image::{CONFIG_FILE, PackedLayer};
use molar_service::db;
use molar_service::lease::AttemptError;
use tokio_util::sync::CancellationToken;

use super::job::Check;
use super::report::ImageReport;
use super::verdict::{Image, Job, Task, Verdict};
use crate::rows::images;
use crate::spare_layers;

const GZIP: &str = "application/gzip";
const JSON: &str = "application/json";
/// Left free beside the layers, for whatever else lies on the disk.
const FLOOR: u64 = 1 << 30;

impl Check {
    /// Puts what is not stored yet. False where the disk has no room for it: then workers take the archive.
    pub(super) async fn store_image(
        &self,
        image: &Image,
        job: &Job,
        cancel: &CancellationToken,
    ) -> Result<bool, AttemptError> {
        let known = images::is_stored(&self.db, &image.digest).await;
        if known.map_err(AttemptError::transient)? {
            return Ok(true);
        }
        let Some(folder) = job.path.parent().map(|folder| folder.join("layers")) else {
            return Ok(false);
        };
        if !self.has_room(&folder, image)? {
            tracing::warn!(
                image = image.digest,
                "too little disk to take the archive apart: it is kept"
            );
            return Ok(false);
        }
        match self.look(split_job(image, job, &folder), cancel).await? {
            Verdict::Split { layers } => self.put(image, layers, &folder).await?,
            other => return Err(AttemptError::transient(format!("not split: {other:?}"))),
        }
        Ok(true)
    }

    /// Notes which layers an earlier submission brought.
    pub(super) async fn recall(&self, report: &mut ImageReport) -> Result<(), AttemptError> {
        let known = images::known_layers(&self.db, &report.diff_ids()).await;
        report.known = known
            .map_err(AttemptError::transient)?
            .into_iter()
            .collect();
        Ok(())
    }

    /// Makes the folder. What is written there is smaller than the layers are unpacked, or hardly larger.
    fn has_room(&self, folder: &Path, image: &Image) -> Result<bool, AttemptError> {
        std::fs::create_dir_all(folder).map_err(AttemptError::transient)?;
        let layers = image.report.seen.layers.iter();
        let missing = layers.filter(|layer| !image.report.known.contains(&layer.diff_id));
        let needed: u64 = missing.map(|layer| layer.size_bytes).sum();
        let disk = rustix::fs::statvfs(folder).map_err(AttemptError::transient)?;
        Ok(disk.f_bavail * disk.f_frsize >= needed + needed / 1000 + FLOOR)
    }

    async fn put(
        &self,
        image: &Image,
        layers: Vec<PackedLayer>,
        folder: &Path,
    ) -> Result<(), AttemptError> {
        let now = db::now(&self.db).await.map_err(AttemptError::transient)?;
        for layer in &layers {
            // Of this put alone: what is removed meanwhile is another object.
            let key = format!("layers/{}/{}", layer.file_name(), uuid_at(now));
            self.put_file(&key, GZIP, &folder.join(layer.file_name()))
                .await?;
            let stored = images::insert_layer(&self.db, layer, &key, now).await;
            if !stored.map_err(AttemptError::transient)? {
                spare_layers::drop_object(&self.store, &key).await;
            }
        }
        let hash = image.digest.trim_start_matches("sha256:");
        let key = format!("configs/{hash}/{}", uuid_at(now));
        let config = images::Config {
            digest: &image.digest,
            object_key: &key,
            size_bytes: self.put_file(&key, JSON, &folder.join(CONFIG_FILE)).await?,
        };
        let mut tx = self.db.begin().await.map_err(AttemptError::transient)?;
        let stored = images::insert(&mut tx, &config, &image.report.diff_ids(), now).await;
        let is_ours = stored.map_err(AttemptError::transient)?;
        tx.commit().await.map_err(AttemptError::transient)?;
        if !is_ours {
            spare_layers::drop_object(&self.store, &key).await;
        }
        Ok(())
    }

    async fn put_file(&self, key: &str, kind: &str, path: &Path) -> Result<u64, AttemptError> {
        let put = self.store.put_file(Bucket::Layers, key, kind, path).await;
        Ok(put.map_err(AttemptError::transient)?.size)
    }
}

fn split_job(image: &Image, job: &Job, folder: &Path) -> Job {
    let layers = image.report.seen.layers.iter().map(|layer| &layer.diff_id);
    let placed = image.places.iter().zip(layers);
    let missing = placed.filter(|(_, diff_id)| !image.report.known.contains(*diff_id));
    // Savers may keep a layer that occurs twice in two files; one is enough.
    let by_layer: BTreeMap<_, _> = missing.map(|(place, diff_id)| (diff_id, place)).collect();
    Job {
        task: Task::Split {
            uncompressed_bytes: image.size_bytes,
            image: image.digest.clone(),
            wanted: (by_layer.into_iter())
                .map(|(diff_id, place)| (place.clone(), diff_id.clone()))
                .collect(),
            folder: folder.to_owned(),
        },
        ..job.clone()
    }
}

#[cfg(test)]
mod tests {
    use molar_domain::phase::SubmissionKind;
    use molar_testkit::ChallengeBuilder;
    use sqlx::PgPool;
    use uuid::Uuid;

    use super::*;
    use crate::sweeper;
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

    /// Keys of the bucket, as a role that may read it sees them: by asking for each row's object.
    async fn stored(world: &World) -> Vec<String> {
        let rows = sqlx::query!(
            "SELECT object_key, size_bytes, sha256 FROM submission.layers ORDER BY stored_at, diff_id"
        );
        let mut keys = Vec::new();
        for row in rows.fetch_all(&world.db).await.unwrap() {
            let found = world
                .execution
                .digest(Bucket::Layers, &row.object_key)
                .await
                .unwrap();
            let said = (row.size_bytes.unsigned_abs(), row.sha256);
            assert_eq!((found.size, hex::encode(found.sha256)), said);
            keys.push(row.object_key);
        }
        keys
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_layer_that_an_earlier_submission_brought_is_stored_once(pool: PgPool) {
        let world = world(&pool).await;
        let first = submit(&world, b"true").await;
        assert_eq!(world.find(first).await["state"], "queued");
        assert_eq!(stored(&world).await.len(), 2);
        let second = submit(&world, b"false").await;
        assert_eq!(stored(&world).await.len(), 3);

        let image = &world.find(second).await["image"];
        let known = |at: usize| image["layers"][at]["is_known"].as_bool().unwrap();
        assert!(known(0) && !known(1), "{image:#}");
        assert_eq!(
            (&image["format"], &image["uid"]),
            (&"docker-archive".into(), &1000.into())
        );
        let (_, page) = world.page(&format!("/submissions/{second}")).await;
        assert!(
            page.contains("was known already") && page.contains("1000 (uid 1000)"),
            "{page}"
        );
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn the_archive_is_dropped_once_its_layers_are_stored_and_not_before(pool: PgPool) {
        let world = world(&pool).await;
        let id = submit(&world, b"true").await;
        let key = sqlx::query_scalar!("SELECT object_key FROM submission.uploads");
        let key = key.fetch_one(&pool).await.unwrap();
        world.store.head(Bucket::Uploads, &key).await.unwrap();
        sweeper::drop_archives(&world.db, &world.store)
            .await
            .unwrap();
        let gone = world.store.head(Bucket::Uploads, &key).await;
        assert!(gone.is_err(), "{gone:?}");
        assert_eq!(world.find(id).await["state"], "queued");
        assert!(
            images::spare_archives(&mut world.db.acquire().await.unwrap(), uuid::Uuid::nil(), 5)
                .await
                .unwrap()
                .is_empty()
        );
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn two_checks_of_one_image_at_once_store_it_once(pool: PgPool) {
        let world = world(&pool).await;
        let top: &[(&str, &[u8])] = &[("opt/algorithm/predict.sh", b"true")];
        let archive = image_archive(&[BASE, top], "amd64");
        let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let check = world.check();
        let cancel = CancellationToken::new();
        let store = |at: usize| {
            let path = folders[at].path().join("upload");
            std::fs::write(&path, &archive).unwrap();
            let task = Task::Container {
                uncompressed_bytes: 1 << 20,
            };
            let job = Job {
                path,
                memory_bytes: 1 << 30,
                cpu_s: 60,
                task,
            };
            let (check, cancel) = (&check, &cancel);
            async move {
                let Verdict::Accepted { image, .. } =
                    check.look(job.clone(), cancel).await.unwrap()
                else {
                    panic!("refused")
                };
                // Neither knows of the other's layers.
                check
                    .store_image(&image.unwrap(), &job, cancel)
                    .await
                    .unwrap()
            }
        };
        assert_eq!(tokio::join!(store(0), store(1)), (true, true));
        assert_eq!(stored(&world).await.len(), 2);
        let layers = sqlx::query_scalar!("SELECT count(*) FROM submission.stored_images");
        assert_eq!(layers.fetch_one(&pool).await.unwrap(), Some(3));
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_refused_image_is_reported_on_and_stored_by_nobody(pool: PgPool) {
        let world = world(&pool).await;
        let id = world.submit(&image_archive(&[BASE], "amd64")).await;
        world.run_checks().await;
        let found = world.find(id).await;
        assert_eq!(found["failure"], "no-predict-script", "{found:#}");
        assert_eq!(found["image"]["has_predict_script"], false);
        assert_eq!(found["image"]["platform"], "linux/amd64");
        assert!(stored(&world).await.is_empty());
        let (_, page) = world.page(&format!("/submissions/{id}")).await;
        assert!(page.contains("not found in /opt/algorithm"), "{page}");
    }
}
