//! One case in the sandbox.

use std::path::Path;
use std::time::Duration;

use molar_domain::worker_api::Grant;
use molar_sandbox::{Engine, Error, Finished, Labels, Room, Spec};
use tokio_util::sync::CancellationToken;

use crate::device;
use crate::live_log::LiveLog;

/// What a slot gives to a case run.
pub struct Slot {
    pub index: u16,
    pub cores: u32,
    /// Index of its GPU, where the machine has one per slot.
    pub gpu: Option<String>,
    pub runtime: Option<String>,
    pub worker: String,
}

/// For what the case run may write, in its folder.
pub async fn open_room(engine: &Engine, grant: &Grant, folder: &Path) -> Result<Room, Error> {
    let limits = &grant.limits;
    let bytes = limits.disk_bytes.saturating_add(limits.output_bytes);
    engine.open_room(&folder.join("room"), bytes).await
}

pub fn spec(grant: &Grant, slot: &Slot, inputs: &Path, room: Room) -> Spec {
    let labels = Labels {
        submission: grant.submission_id.to_string(),
        attempt: grant.attempt_id.to_string(),
        case_run: grant.case_run_id.to_string(),
        worker: slot.worker.clone(),
    };
    let limits = &grant.limits;
    Spec {
        memory_bytes: limits.memory_bytes,
        shm_bytes: limits.shm_bytes.min(limits.memory_bytes),
        pids: limits.pids,
        nofile: limits.nofile,
        cpuset: Some(device::cpuset(slot.index, slot.cores, limits.cpus)),
        wall_limit: Duration::from_secs(limits.wall_s.into()),
        silence_limit: limits.silence_s.map(|s| Duration::from_secs(s.into())),
        log_bytes: limits.log_bytes,
        output_bytes: limits.output_bytes,
        layer_bytes: limits.disk_bytes,
        gpu: if limits.gpus > 0 {
            slot.gpu.clone()
        } else {
            None
        },
        runtime: slot.runtime.clone(),
        ..Spec::sts2024_defaults(grant.image_digest.clone(), labels, inputs, room)
    }
}

pub async fn run(
    engine: &Engine,
    spec: &Spec,
    cancel: CancellationToken,
    live: LiveLog,
) -> Result<Finished, Error> {
    engine.run(spec, cancel, |event| live.note(&event)).await
}
