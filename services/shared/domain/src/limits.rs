//! What one case run may use. Defaults are the STS 2024 protocol's.

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Wall clock per case; also the worst running time.
    pub wall_s: u32,
    /// Host memory, swap excluded; tmpfs pages count.
    pub memory_bytes: u64,
    pub shm_bytes: u64,
    pub pids: u32,
    pub nofile: u32,
    /// CPU cores of a slot.
    pub cpus: u32,
    pub gpus: u32,
    /// Silence on stdout and stderr after which a run is stopped; none by default.
    pub silence_s: Option<u32>,
    /// Beyond it the log is dropped and the run goes on.
    pub log_bytes: u64,
    pub output_bytes: u64,
    /// What the container may write into its own file system.
    pub disk_bytes: u64,
    /// The uploaded archive.
    pub upload_bytes: u64,
    /// The image unpacked.
    pub image_bytes: u64,
}

const GIB: u64 = 1 << 30;
const MIB: u64 = 1 << 20;

impl Default for Limits {
    fn default() -> Self {
        Self {
            wall_s: 300,
            memory_bytes: 28 * GIB,
            shm_bytes: 28 * GIB,
            pids: 4096,
            nofile: 65_536,
            cpus: 1,
            gpus: 0,
            silence_s: None,
            log_bytes: MIB,
            output_bytes: GIB,
            disk_bytes: 20 * GIB,
            upload_bytes: 30 * GIB,
            image_bytes: 60 * GIB,
        }
    }
}

impl Limits {
    /// What is wrong with these limits, each with the field's name.
    pub fn complaints(&self) -> Vec<(&'static str, String)> {
        let mut found = Vec::new();
        let mut at_least = |field, value: u64, least: u64| {
            if value < least {
                found.push((
                    field,
                    format!("is {value}; the least that makes sense is {least}"),
                ));
            }
        };
        at_least("wall_s", self.wall_s.into(), 1);
        // Docker itself refuses less than 6 MiB.
        at_least("memory_bytes", self.memory_bytes, 6 * MIB);
        at_least("shm_bytes", self.shm_bytes, MIB);
        at_least("pids", self.pids.into(), 1);
        at_least("nofile", self.nofile.into(), 64);
        at_least("cpus", self.cpus.into(), 1);
        at_least("output_bytes", self.output_bytes, 1024);
        at_least("upload_bytes", self.upload_bytes, 1024);
        if self.gpus > 1 {
            let why = format!("is {}; a case has one GPU or none", self.gpus);
            found.push(("gpus", why));
        }
        found
    }
}
