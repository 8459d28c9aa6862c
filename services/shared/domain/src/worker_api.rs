//! What a worker and the role `execution` say to each other, in JSON over HTTP.
//!
//! Every change of a case run carries its lease token; a token that is not the current one is answered
//! with 409 and changes nothing.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::case_run::CaseRunKind;
use crate::challenge::Format;
use crate::failure::FailureCode;
use crate::limits::{Limits, Runtime};

pub use crate::device::Device;

/// `POST /worker/v1/enrol`, the only call without a key.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Enrol {
    /// One-time.
    pub token: String,
    pub name: String,
    pub slots: u16,
    /// Slots that have a GPU.
    pub gpus: u16,
    pub slot_memory_bytes: u64,
    pub device_class: String,
    pub device: Device,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Enrolled {
    pub worker_id: Uuid,
    /// The worker's own; told once.
    pub key: String,
}

/// `POST /worker/v1/beat`: the worker is there. Says what else it should do.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Beat {
    pub device: Device,
    pub slots: u16,
    /// Slots whose GPU can take a case now.
    pub gpus: u16,
    pub slot_memory_bytes: u64,
    /// What its engine can start a container with, of what a phase may ask for.
    pub runtimes: Vec<Runtime>,
    /// Whether root in a container of a phase that asks for no runtime is somebody else outside.
    pub keeps_root_out: bool,
    /// The same with any runtime.
    pub remaps_users: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BeatAnswer {
    pub worker_id: Uuid,
    pub device_class: String,
    /// Finish what runs, claim nothing more.
    pub is_draining: bool,
}

/// `POST /worker/v1/claims`: 200 with a [`Grant`], or 204.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    /// Digests of the images that the worker has.
    pub images: Vec<String>,
    /// The case run that the doorbell named.
    pub hint: Option<Uuid>,
    /// The slot that asks has a GPU that can take a case.
    pub has_gpu: bool,
}

/// A case run that is the worker's until the lease runs out.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Grant {
    pub case_run_id: Uuid,
    pub attempt_id: Uuid,
    pub submission_id: Uuid,
    pub kind: CaseRunKind,
    pub lease_token: Uuid,
    pub lease_expires_at: DateTime<Utc>,
    /// The same, for a worker whose clock is another: so long from when it asked.
    pub lease_s: u32,
    /// `sha256:…` of the image's config; what it is loaded from is asked for with `urls`, by whom it is not
    /// there.
    pub image_digest: String,
    pub input: Input,
    /// Of the prediction.
    pub format: Format,
    /// The file expected in /outputs.
    pub output_name: String,
    pub limits: Limits,
}

/// A file to fetch.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Input {
    pub url: String,
    pub name: String,
    pub size_bytes: u64,
    /// Hex.
    pub sha256: String,
}

/// Body of every call that needs the lease and nothing else: `heartbeat`, `urls`.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Leased {
    pub lease_token: Uuid,
}

/// Answer of `POST /worker/v1/case-runs/{id}/heartbeat`.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Extended {
    pub lease_expires_at: DateTime<Utc>,
    /// As in the grant.
    pub lease_s: u32,
    /// The submission was cancelled: stop.
    pub is_cancelled: bool,
}

/// Answer of `POST …/urls`: what the case run needs, signed now.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Urls {
    pub image: ImageSource,
    pub input: Input,
}

/// What an image is loaded from.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImageSource {
    Layers(ImageLayers),
    /// As its team sent it, where its layers are not stored one by one.
    Archive(Input),
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ImageLayers {
    pub config: Input,
    /// Lowest first.
    pub layers: Vec<ImageLayer>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ImageLayer {
    /// `sha256:…` of the layer, unpacked.
    pub diff_id: String,
    pub unpacked_bytes: u64,
    /// Gzipped.
    pub stored: Input,
}

/// `POST …/output`, `POST …/log` and `POST …/series`: what is about to be put.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Put {
    pub lease_token: Uuid,
    pub size_bytes: u64,
    /// Hex.
    pub sha256: String,
}

/// Where to put it; the headers are part of the signature.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PutUrl {
    pub url: String,
    pub headers: std::collections::BTreeMap<String, String>,
}

/// Of the log of a public case that is read along: so many bytes from its start, as the container wrote them.
pub const LIVE_LOG_BYTES: usize = 256 << 10;

/// `POST …/log-pieces`: what was written since the last one; of a public case only.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogPiece {
    pub lease_token: Uuid,
    /// In bytes of this text, from the start of the log. A piece that does not follow the last is not kept.
    pub position: u32,
    pub text: String,
}

/// `POST …/finish`: how it ended.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finish {
    pub lease_token: Uuid,
    /// None: there is a prediction. A failure of theirs is final for the case.
    pub failure: Option<FailureCode>,
    pub failure_detail: Option<String>,
    pub exit_code: Option<i64>,
    pub wall_ms: Option<u64>,
    pub gpu_area_mib_s: Option<f64>,
    pub gpu_baseline_mib: Option<f64>,
    pub gpu_total_mib: Option<f64>,
    pub gpu_peak_mib: Option<f64>,
    pub peak_memory_bytes: Option<u64>,
    /// The kernel's own, page cache included.
    pub kernel_peak_memory_bytes: Option<u64>,
    pub memory_area_mib_s: Option<f64>,
    pub cpu_core_s: Option<f64>,
    pub device: Device,
    /// What was put under the lease token.
    pub output: Option<Stored>,
    pub log: Option<Stored>,
    /// The curves; without them nothing else is lost.
    pub series: Option<Stored>,
    /// What the team is told beside.
    pub notes: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stored {
    pub size_bytes: u64,
    /// Hex.
    pub sha256: String,
}

/// `POST …/release`: the worker cannot go on, through no fault of the team.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Release {
    pub lease_token: Uuid,
    pub reason: ReleaseReason,
    pub detail: String,
}

crate::spelled_enum! {
    pub enum ReleaseReason as "release reason" {
        /// The worker stops: back in line at once, nothing charged.
        Interrupted = "interrupted",
        /// Something on our side failed: tried again after a back-off.
        Transient = "transient",
    }
}
