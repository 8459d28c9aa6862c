//! One case: the worker's own run and collection.

use std::path::Path;

use anyhow::Context as _;
use chrono::DateTime;
use molar_domain::FailureCode;
use molar_domain::case_run::CaseRunKind;
use molar_domain::limits::Limits;
use molar_domain::worker_api::{Grant, Input};
use molar_sandbox::collect::CollectedFile;
use molar_sandbox::{Engine, Finished, Room};
use molar_worker::{Reader, Slot, collect, judge, spec};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::cases::Case;

/// What all cases share.
pub struct Stage {
    pub engine: Engine,
    pub slot: Slot,
    pub limits: Limits,
    /// Name and driver of the one that cases get.
    pub gpu: Option<String>,
}

/// What the platform would say of a case.
pub struct Played {
    pub name: String,
    pub output_name: String,
    pub finished: Finished,
    pub prediction: Option<CollectedFile>,
    pub failure: Option<(FailureCode, String)>,
    pub notes: Vec<String>,
    /// By the kernel, and not only by looking at it.
    pub is_bounded: bool,
}

impl Stage {
    /// As the platform grants its trial: nothing of it is hidden.
    pub fn grant(&self, case: &Case, image_digest: &str) -> Grant {
        let nothing = || Input {
            url: String::new(),
            name: String::new(),
            size_bytes: 0,
            sha256: String::new(),
        };
        Grant {
            case_run_id: Uuid::new_v4(),
            attempt_id: Uuid::new_v4(),
            submission_id: Uuid::new_v4(),
            kind: CaseRunKind::Canary,
            lease_token: Uuid::new_v4(),
            lease_expires_at: DateTime::UNIX_EPOCH,
            image_digest: image_digest.to_owned(),
            lease_s: 0,
            input: nothing(),
            format: case.format,
            output_name: case.format.prediction_name(&case.name),
            limits: self.limits.clone(),
        }
    }
}

pub async fn play(
    stage: &Stage,
    grant: &Grant,
    case: &Case,
    folder: &Path,
    room: Room,
    cancel: CancellationToken,
) -> anyhow::Result<Played> {
    let inputs = folder.join("inputs");
    tokio::fs::create_dir(&inputs).await?;
    let name = case.image.file_name().context("a case without a name")?;
    tokio::fs::copy(&case.image, inputs.join(name)).await?;
    open_to_the_image(&inputs)?;
    let is_bounded = room.is_bounded();
    let spec = spec(grant, &stage.slot, &inputs, room);
    let run = stage.engine.run(&spec, cancel, |_| {}).await;
    let finished = match &stage.gpu {
        Some(gpu) => run.with_context(|| format!("with {gpu}; --no-gpu runs without it"))?,
        None => run?,
    };
    let collected = collect(grant, &finished, &spec.room.outputs()).await?;
    let collected = judge(grant, &Reader::default(), &case.image, collected).await?;
    Ok(Played {
        name: case.name.clone(),
        output_name: grant.output_name.clone(),
        finished,
        prediction: collected.file,
        failure: collected.failure,
        notes: collected.notes,
        is_bounded,
    })
}

/// The image's user may be any; the folder above is closed to all others on this machine.
fn open_to_the_image(inputs: &Path) -> std::io::Result<()> {
    use std::fs::{Permissions, set_permissions};
    use std::os::unix::fs::PermissionsExt as _;
    set_permissions(inputs, Permissions::from_mode(0o755))?;
    for entry in std::fs::read_dir(inputs)? {
        set_permissions(entry?.path(), Permissions::from_mode(0o644))?;
    }
    Ok(())
}
