//! One case in the sandbox.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use molar_domain::limits::Limits;
use molar_domain::worker_api::{Device, Grant};
use molar_sandbox::{Engine, Error, Finished, Gpu, Labels, Room, Spec};
use tokio_util::sync::CancellationToken;

use crate::card::Card;
use crate::device;
use crate::live_log::LiveLog;

/// Without which nothing is started on a machine that is no worker.
const FREE_BYTES: u64 = 1 << 30;

/// What a slot gives to a case run.
pub struct Slot {
    pub index: u16,
    pub card: Option<Arc<Card>>,
    /// The machine as this slot sees it.
    pub device: Device,
    pub runtime: Option<String>,
    pub worker: String,
    /// Of the disk, without which nothing runs.
    pub free_bytes: u64,
}

impl Slot {
    /// A whole machine, with its first GPU that a case can own.
    pub async fn whole(engine: &Engine, gpu: Option<&Gpu>, worker: String) -> Result<Self, Error> {
        let machine = device::find(engine, 1).await?;
        let card = gpu.map(Card::all).unwrap_or_default().into_iter().next();
        let device = match &card {
            Some(card) => device::with_gpu(&machine, &card.device),
            None => machine,
        };
        Ok(Self {
            index: 0,
            card,
            device,
            runtime: None,
            worker,
            free_bytes: FREE_BYTES,
        })
    }

    /// A case that needs no GPU gets none, also where there is one.
    pub fn gpu_of(&self, limits: &Limits) -> Option<&Card> {
        self.card.as_deref().filter(|_| limits.gpus > 0)
    }
}

/// For what the case run may write, in its folder.
pub async fn open_room(engine: &Engine, grant: &Grant, folder: &Path) -> Result<Room, Error> {
    let limits = &grant.limits;
    let bytes = limits.disk_bytes.saturating_add(limits.output_bytes);
    engine.open_room(&folder.join("room"), bytes).await
}

/// The phase's, else the worker's, else the engine's.
fn runtime(grant: &Grant, slot: &Slot) -> Option<String> {
    let of_phase = grant.limits.runtime.map(|runtime| runtime.as_str().into());
    of_phase.or_else(|| slot.runtime.clone())
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
        cpuset: Some(device::cpuset(slot.index, slot.device.cores, limits.cpus)),
        wall_limit: Duration::from_secs(limits.wall_s.into()),
        silence_limit: limits.silence_s.map(|s| Duration::from_secs(s.into())),
        log_bytes: limits.log_bytes,
        output_bytes: limits.output_bytes,
        layer_bytes: limits.disk_bytes,
        gpu: slot.gpu_of(limits).map(|card| card.device.uuid.clone()),
        is_root_read_only: limits.read_only_root,
        runtime: runtime(grant, slot),
        free_bytes: slot.free_bytes,
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
