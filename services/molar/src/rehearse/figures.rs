//! What a run used, as the platform measures it.

use molar_sandbox::Finished;
use serde::Serialize;

const MIB: f64 = (1 << 20) as f64;

/// A run too short for a sample has none of them but the time.
#[derive(Debug, PartialEq, Serialize)]
pub struct Figures {
    pub wall_ms: u64,
    pub samples: usize,
    pub cpu_core_s: Option<f64>,
    /// Of the samples, without page cache.
    pub peak_memory_mib: Option<f64>,
    /// The kernel's own, with page cache.
    pub kernel_peak_memory_mib: Option<f64>,
    pub memory_area_mib_s: Option<f64>,
    /// None without a GPU.
    pub peak_gpu_mib: Option<f64>,
    pub gpu_area_mib_s: Option<f64>,
    pub gpu_baseline_mib: Option<f64>,
}

impl Figures {
    pub fn of(finished: &Finished) -> Self {
        let usage = &finished.usage;
        let mib = |bytes: u64| bytes as f64 / MIB;
        let is_sampled = !usage.samples.is_empty();
        Self {
            wall_ms: finished.wall_ms,
            samples: usage.samples.len(),
            cpu_core_s: usage.cpu_core_s,
            peak_memory_mib: is_sampled.then(|| mib(usage.peak_memory_bytes)),
            kernel_peak_memory_mib: usage.kernel_peak_memory_bytes.map(mib),
            memory_area_mib_s: usage.memory_area_mib_s,
            peak_gpu_mib: usage.gpu_peak_mib,
            gpu_area_mib_s: usage.gpu_area_mib_s,
            gpu_baseline_mib: usage.gpu_baseline_mib,
        }
    }
}
