use serde::{Deserialize, Serialize};

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
    /// The newest that the driver runs.
    pub cuda: Option<String>,
    pub engine: String,
    pub kernel: String,
}
