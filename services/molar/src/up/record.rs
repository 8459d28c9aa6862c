use serde::{Deserialize, Serialize};

use super::child::Tier;
use super::process::{Identity, Trace};

/// `run/<name>.json`: enough to end the child without knowing what it is.
#[derive(Debug, Serialize, Deserialize)]
pub struct Record {
    pub name: String,
    #[serde(flatten)]
    pub identity: Identity,
    pub tier: Tier,
    pub restarts: u32,
    pub(super) stop_signal: i32,
    pub(super) grace_s: u64,
    pub(super) trace: Option<Trace>,
}
