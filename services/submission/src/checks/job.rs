//! The leased work: bring the file here, hash it on the way, have it looked into, write the verdict.

use std::path::{Path, PathBuf};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use molar_contracts::keys;
use molar_domain::challenge;
use molar_domain::phase::SubmissionKind;
use molar_domain::{FailureCode, limits::Limits};
use molar_objects::{Bucket, Store};
use molar_service::lease::{AttemptError, BoxError, Job, Lease, LeaseError};
use molar_service::outbox;
use molar_volumes::Format;
use serde_json::json;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::child;
use super::verdict::{self, Case, Task, Verdict};
use crate::quota;
use crate::rows::phases::{self, Phase};
use crate::rows::uploads;

const MIB: u64 = 1 << 20;
/// What reading takes beside the voxels: buffers, stacks, the directory of an archive, two million paths.
const MEMORY_BASE: u64 = 1024 * MIB;
/// What reading takes of an image, or of a plane of a volume, see `molar_volumes::nifti::Limits`.
const BYTES_PER_PIXEL: u64 = 16;

/// What a claimed row says about the work.
#[derive(Debug, Clone)]
pub struct Lookup {
    pub submission_id: Uuid,
    pub phase_id: Uuid,
    pub object_key: String,
    pub size_bytes: u64,
    /// Hex, as declared; a browser declares none.
    pub sha256: Option<String>,
}

/// Who reads the file.
pub enum Checker {
    Program(PathBuf),
    /// The caller's own process, for tests of what is around it.
    #[cfg(test)]
    Here,
}

pub struct Check {
    pub db: PgPool,
    pub store: Store,
    /// Files lie here while they are checked.
    pub folder: PathBuf,
    pub checker: Checker,
}

/// Makes the folder, and drops what a process that was killed left in it.
pub fn prepare_folder(folder: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let pid = name.to_str().and_then(|name| {
            let (pid, _) = name.strip_prefix("check-")?.split_once('-')?;
            pid.parse::<u32>().ok()
        });
        let is_orphan = pid.is_some_and(|pid| {
            pid == std::process::id() || !Path::new(&format!("/proc/{pid}")).exists()
        });
        if is_orphan {
            std::fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}

impl Check {
    async fn task(&self, phase: &Phase) -> Result<Task, BoxError> {
        if phase.kind == SubmissionKind::Container {
            return Ok(Task::Container {
                uncompressed_bytes: phase.limits.image_bytes,
            });
        }
        let mut conn = self.db.acquire().await?;
        let cases = phases::expected_cases(&mut conn, phase).await?;
        let case = |expected: phases::ExpectedCase| {
            let geometry = expected
                .geometry
                .ok_or("a case's reference is not read yet")?;
            Ok(Case {
                name: expected.name,
                geometry,
            })
        };
        Ok(Task::Predictions {
            format: match phase.format {
                challenge::Format::Labelme => Format::Labelme,
                challenge::Format::Nifti => Format::Nifti,
            },
            labels: phase.labels.clone(),
            cases: cases
                .into_iter()
                .map(case)
                .collect::<Result<_, BoxError>>()?,
        })
    }

    pub(super) async fn look(
        &self,
        job: verdict::Job,
        cancel: &CancellationToken,
    ) -> Result<Verdict, AttemptError> {
        match &self.checker {
            Checker::Program(program) => child::run(program, &job, cancel).await,
            #[cfg(test)]
            Checker::Here => Ok(super::program::look(&job)),
        }
    }

    async fn try_work(
        &self,
        lookup: &Lookup,
        cancel: &CancellationToken,
    ) -> Result<Verdict, AttemptError> {
        let phase = phases::find(&self.db, lookup.phase_id)
            .await
            .map_err(AttemptError::transient)?;
        let folder = tempfile::Builder::new()
            .prefix(&format!("check-{}-", std::process::id()))
            .tempdir_in(&self.folder)
            .map_err(AttemptError::transient)?;
        let path = folder.path().join("upload");
        let digest = self
            .store
            .fetch(Bucket::Uploads, &lookup.object_key, &path)
            .await
            .map_err(AttemptError::transient)?;
        let sha256 = hex::encode(digest.sha256);
        let is_declared = lookup.sha256.as_ref().is_none_or(|one| *one == sha256);
        if digest.size != lookup.size_bytes || !is_declared {
            return Ok(mismatch(lookup, digest.size, &sha256));
        }
        uploads::note_sha256(&self.db, lookup.submission_id, &lookup.object_key, &sha256)
            .await
            .map_err(AttemptError::transient)?;
        let task = self.task(&phase).await.map_err(AttemptError::Transient)?;
        let job = verdict::Job {
            path,
            memory_bytes: memory_bytes(&task),
            cpu_s: cpu_s(&task, &phase.limits),
            task,
        };
        let mut verdict = self.look(job.clone(), cancel).await?;
        if let Some(report) = verdict.report_mut() {
            self.recall(report).await?;
        }
        let verdict = self.refuse_root(verdict, phase.id).await?;
        if let Verdict::Accepted {
            image: Some(image), ..
        } = &verdict
        {
            self.store_image(image, &job, cancel).await?;
        }
        Ok(verdict)
    }
}

fn mismatch(lookup: &Lookup, size: u64, sha256: &str) -> Verdict {
    let detail = if size == lookup.size_bytes {
        format!(
            "the file's SHA-256 is {sha256}, declared was {}",
            lookup.sha256.as_deref().unwrap_or("none")
        )
    } else {
        format!(
            "the file has {size} bytes, declared were {}",
            lookup.size_bytes
        )
    };
    let code = FailureCode::UploadMismatch;
    Verdict::refused(
        code,
        detail,
        "submit the file again, with its own size and SHA-256",
    )
}

fn memory_bytes(task: &Task) -> u64 {
    let pixels = |case: &Case| {
        let [_, height, width] = case.geometry.grid().map(u64::from);
        height * width
    };
    let pixels = match task {
        Task::Predictions { cases, .. } => cases.iter().map(pixels).max().unwrap_or(0),
        Task::Container { .. } | Task::Split { .. } => 0,
    };
    MEMORY_BASE + BYTES_PER_PIXEL * pixels
}

/// Ten times what an honest file takes on a slow machine.
fn cpu_s(task: &Task, limits: &Limits) -> u64 {
    match task {
        // 2 million voxels a second, and a second for each case.
        Task::Predictions { cases, .. } => {
            let each = |case: &Case| 1 + case.geometry.elements() / 2_000_000;
            60 + cases.iter().map(each).sum::<u64>()
        }
        // Unpacked and hashed twice, or hashed and packed, at 10 MiB a second.
        Task::Container { .. } | Task::Split { .. } => 60 + limits.image_bytes / (10 * MIB),
    }
}

#[async_trait]
impl Job for Check {
    type Of = Lookup;
    type Done = Verdict;
    const NAME: &'static str = "check";

    async fn claim(
        &self,
        limit: usize,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<Vec<Lease<Lookup>>, BoxError> {
        let limit = i64::try_from(limit)?;
        let claimed = uploads::claim(&self.db, limit, now, until).await?;
        let lease = |row: uploads::Claimed| Lease {
            id: row.lookup.submission_id,
            token: row.lease_token,
            attempt: row.attempts.unsigned_abs(),
            of: row.lookup,
        };
        Ok(claimed.into_iter().map(lease).collect())
    }

    async fn extend(
        &self,
        lease: &Lease<Lookup>,
        _now: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<(), LeaseError> {
        LeaseError::insist_on_one(uploads::extend(&self.db, lease.id, lease.token, until).await?)
    }

    async fn work(
        &self,
        lease: &Lease<Lookup>,
        cancel: CancellationToken,
    ) -> Result<Verdict, AttemptError> {
        tokio::select! {
            verdict = self.try_work(&lease.of, &cancel) => verdict,
            () = cancel.cancelled() => Err(AttemptError::Interrupted),
        }
    }

    async fn finish(
        &self,
        lease: &Lease<Lookup>,
        verdict: Verdict,
        now: DateTime<Utc>,
    ) -> Result<(), LeaseError> {
        let row = (lease.id, lease.token);
        let mut tx = self.db.begin().await?;
        match verdict {
            Verdict::Accepted { image, notes } => {
                let notes = json!(notes);
                let written = uploads::accept(&mut *tx, row, image.as_ref(), &notes, now).await?;
                LeaseError::insist_on_one(written)?;
                let phase = Some(lease.of.phase_id);
                outbox::announce(&mut tx, now, keys::SUBMISSION_ACCEPTED, lease.id, phase).await?;
            }
            Verdict::Refused {
                code,
                complaints,
                notes,
                report,
            } => {
                let refusal = uploads::Refusal {
                    code,
                    complaints: json!(complaints),
                    notes: json!(notes),
                    report: report.map(|report| json!(report)),
                };
                let written = uploads::refuse(&mut *tx, row, &refusal, now).await?;
                LeaseError::insist_on_one(written)?;
            }
            Verdict::Unreadable { detail } => return Err(LeaseError::Other(detail.into())),
            Verdict::Split { .. } => return Err(LeaseError::Other("no verdict".into())),
        }
        quota::settle_one(&mut tx, lease.id, now).await?;
        tx.commit().await?;
        Ok(())
    }

    async fn refuse(
        &self,
        lease: &Lease<Lookup>,
        code: FailureCode,
        detail: &str,
        now: DateTime<Utc>,
    ) -> Result<(), LeaseError> {
        let verdict = Verdict::refused(code, detail, code.advice());
        self.finish(lease, verdict, now).await
    }

    async fn retry(
        &self,
        lease: &Lease<Lookup>,
        not_before: DateTime<Utc>,
        _now: DateTime<Utc>,
    ) -> Result<(), LeaseError> {
        let row = (lease.id, lease.token);
        LeaseError::insist_on_one(uploads::free(&self.db, row, not_before, true).await?)
    }

    async fn give_back(&self, lease: &Lease<Lookup>, now: DateTime<Utc>) -> Result<(), LeaseError> {
        let row = (lease.id, lease.token);
        LeaseError::insist_on_one(uploads::free(&self.db, row, now, false).await?)
    }
}

#[cfg(test)]
mod tests {
    use molar_domain::upload::UploadState;
    use molar_testkit::{SubmissionBuilder, noon};
    use sqlx::PgPool;

    use super::*;
    use crate::testing::{World, predictions_zip};

    async fn claim(check: &Check, at: DateTime<Utc>) -> Vec<Lease<Lookup>> {
        let until = at + chrono::TimeDelta::minutes(3);
        check.claim(5, at, until).await.unwrap()
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_silent_checker_loses_its_upload_and_cannot_write_back(pool: PgPool) {
        let world = World::new(&pool).await;
        let builder = SubmissionBuilder::new(&world.challenge, &world.team);
        builder.state(UploadState::Completed).insert(&pool).await;
        let check = world.check();

        let lost = claim(&check, noon()).await.remove(0);
        assert!(claim(&check, noon()).await.is_empty());
        let later = noon() + chrono::TimeDelta::minutes(4);
        let taken_over = claim(&check, later).await.remove(0);
        assert_eq!(taken_over.attempt, 2);

        let verdict = Verdict::accepted(None, Vec::new());
        let written = check.finish(&lost, verdict.clone(), later).await;
        assert!(matches!(written, Err(LeaseError::Stale)), "{written:?}");
        assert!(matches!(
            check.extend(&lost, later, later).await,
            Err(LeaseError::Stale)
        ));
        check.finish(&taken_over, verdict, later).await.unwrap();
        assert!(claim(&check, later).await.is_empty());
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn an_interrupted_check_is_not_charged_and_a_failed_one_waits(pool: PgPool) {
        let world = World::new(&pool).await;
        let builder = SubmissionBuilder::new(&world.challenge, &world.team);
        builder.state(UploadState::Completed).insert(&pool).await;
        let check = world.check();

        let lease = claim(&check, noon()).await.remove(0);
        check.give_back(&lease, noon()).await.unwrap();
        let lease = claim(&check, noon()).await.remove(0);
        assert_eq!(lease.attempt, 1);
        let soon = noon() + chrono::TimeDelta::seconds(15);
        check.retry(&lease, soon, noon()).await.unwrap();
        assert!(claim(&check, noon()).await.is_empty());
        assert_eq!(claim(&check, soon).await[0].attempt, 2);
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_good_zip_is_accepted_announced_once_and_spent(pool: PgPool) {
        let world = World::new(&pool).await;
        let id = world
            .submit(&predictions_zip(&["Case_01", "Case_02"]))
            .await;
        assert_eq!(world.run_checks().await, 1);
        assert_eq!(world.run_checks().await, 0);
        let found = world.find(id).await;
        assert_eq!(found["state"], "scoring", "{found:#}");
        assert_eq!(found["quota"], "spent");
        let announced = sqlx::query_scalar!(
            r#"SELECT count(*) AS "n!" FROM submission.outbox WHERE routing_key = 'submission.accepted'"#
        );
        assert_eq!(announced.fetch_one(&pool).await.unwrap(), 1);
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_file_of_another_hash_is_refused_and_costs_nothing(pool: PgPool) {
        let world = World::new(&pool).await;
        let zip = predictions_zip(&["Case_01", "Case_02"]);
        let mut other = zip.clone();
        other[40] ^= 1;
        let id = world.submit_as(&zip, &other).await;
        world.run_checks().await;
        let found = world.find(id).await;
        assert_eq!(found["state"], "refused", "{found:#}");
        assert_eq!(found["failure"], "upload-mismatch");
        assert_eq!(found["quota"], "returned");
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_zip_without_a_case_is_refused_with_its_name(pool: PgPool) {
        let world = World::new(&pool).await;
        let id = world.submit(&predictions_zip(&["Case_01"])).await;
        world.run_checks().await;
        let found = world.find(id).await;
        assert_eq!(found["failure"], "wrong-files", "{found:#}");
        assert_eq!(found["complaints"][0]["place"], "Case_02_Mask.json");
        assert_eq!(found["quota"], "returned");
    }
}
