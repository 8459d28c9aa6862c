//! What a run used, from its samples: as the platform measures it.

use molar_sandbox::{Finished, Sample, area_mib_s};
use serde::Serialize;

const MIB: f64 = (1 << 20) as f64;

/// A run too short for a sample has none of them but the time.
#[derive(Debug, PartialEq, Serialize)]
pub struct Figures {
    pub wall_ms: u64,
    pub samples: usize,
    pub cpu_core_s: Option<f64>,
    pub peak_memory_mib: Option<f64>,
    pub memory_area_mib_s: Option<f64>,
    /// None without a GPU.
    pub peak_gpu_mib: Option<f64>,
    pub gpu_area_mib_s: Option<f64>,
    pub gpu_baseline_mib: Option<f64>,
}

impl Figures {
    pub fn of(finished: &Finished) -> Self {
        let usage = &finished.usage;
        Self {
            gpu_area_mib_s: usage.gpu_area_mib_s,
            gpu_baseline_mib: usage.gpu_baseline_mib,
            ..Self::of_samples(&usage.samples, finished.wall_ms)
        }
    }

    fn of_samples(samples: &[Sample], wall_ms: u64) -> Self {
        let memory = samples.iter().map(|s| s.memory_bytes as f64 / MIB);
        let moments = samples.iter().map(|s| s.t_ms);
        let points: Vec<_> = moments.zip(memory.clone()).collect();
        Self {
            wall_ms,
            samples: samples.len(),
            cpu_core_s: core_s(samples),
            peak_memory_mib: memory.reduce(f64::max),
            memory_area_mib_s: area_mib_s(&points, wall_ms),
            peak_gpu_mib: samples
                .iter()
                .filter_map(|s| s.gpu_used_mib)
                .reduce(f64::max),
            gpu_area_mib_s: None,
            gpu_baseline_mib: None,
        }
    }
}

/// Each value is of the time since the sample before.
fn core_s(samples: &[Sample]) -> Option<f64> {
    let before = [0].into_iter().chain(samples.iter().map(|s| s.t_ms));
    let spent = samples.iter().zip(before).map(|(sample, before)| {
        sample.cpu_percent / 100.0 * sample.t_ms.saturating_sub(before) as f64 / 1000.0
    });
    (!samples.is_empty()).then(|| spent.sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_and_peaks_are_of_the_samples() {
        let sample = |t_ms, mib: u64, cpu_percent| Sample {
            t_ms,
            gpu_used_mib: None,
            cpu_percent,
            memory_bytes: mib << 20,
        };
        let samples = [sample(500, 64, 100.0), sample(1000, 128, 200.0)];
        let figures = Figures::of_samples(&samples, 1500);
        assert_eq!(figures.cpu_core_s, Some(0.5 + 1.0));
        assert_eq!(figures.peak_memory_mib, Some(128.0));
        assert_eq!(figures.memory_area_mib_s, Some(64.0 + 64.0));
        assert_eq!(figures.peak_gpu_mib, None);
    }

    #[test]
    fn a_run_of_no_time_has_no_figures() {
        let figures = Figures::of_samples(&[], 40);
        assert_eq!(
            (figures.cpu_core_s, figures.memory_area_mib_s),
            (None, None)
        );
        assert_eq!(figures.wall_ms, 40);
    }
}
