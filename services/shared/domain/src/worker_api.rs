//! What a worker and the role `execution` say to each other, in JSON over HTTP.
//!
//! Every change of a case run carries its lease token; a token that is not the current one is answered
//! with 409 and changes nothing.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::case_run::CaseRunKind;
use crate::failure::FailureCode;
use crate::limits::Limits;

/// `POST /worker/v1/enrol`, the only call without a key.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Enrol {
    /// One-time.
    pub token: String,
    pub name: String,
    pub slots: u16,
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

/// What times are measured on. Stored with every case run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Device {
    pub cpu: String,
    /// Cores that a slot has.
    pub cores: u32,
    pub memory_bytes: u64,
    pub gpu: Option<String>,
    pub gpu_memory_mib: Option<u64>,
    pub driver: Option<String>,
    pub engine: String,
    pub kernel: String,
}

/// `POST /worker/v1/beat`: the worker is there. Says what else it should do.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Beat {
    pub device: Device,
    pub slots: u16,
    pub slot_memory_bytes: u64,
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
    /// `sha256:…` of the image's config.
    pub image_digest: String,
    pub archive: Input,
    pub input: Input,
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
    /// The submission was cancelled: stop.
    pub is_cancelled: bool,
}

/// Answer of `POST …/urls`: the same files, signed again.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Urls {
    pub archive: Input,
    pub input: Input,
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
