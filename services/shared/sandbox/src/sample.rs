//! The curves of one run, a value every 0.1 s.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::Gpu;
use crate::cgroup::Cgroup;

const INTERVAL: Duration = Duration::from_millis(100);
const MIB: f64 = (1 << 20) as f64;

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// Since the container was started.
    pub t_ms: u64,
    pub gpu_used_mib: Option<f64>,
    /// Since the sample before; 100 is one core.
    pub cpu_percent: f64,
    pub memory_bytes: u64,
}

/// What a run used. A run too short for a sample has none, and zeros.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Usage {
    pub samples: Vec<Sample>,
    /// Of the samples: shorter peaks are not seen. Page cache that the kernel would give back is left out.
    pub peak_memory_bytes: u64,
    /// The kernel's own, up to the last sample: no peak is too short, and page cache counts.
    pub kernel_peak_memory_bytes: Option<u64>,
    /// None where the container's cgroup is not to be seen.
    pub memory_area_mib_s: Option<f64>,
    /// CPU time of all cores together, as above.
    pub cpu_core_s: Option<f64>,
    pub gpu_peak_mib: Option<f64>,
    /// None without a GPU, or where its memory could not be read.
    pub gpu_area_mib_s: Option<f64>,
    /// Used before the container was started; not subtracted from anything.
    pub gpu_baseline_mib: Option<f64>,
    /// CPU time that the sampling itself took.
    pub sampling_cpu: Duration,
}

/// Σ value × real interval, MiB·s: each value holds from its sample to the next, the first from the
/// start and the last to the end.
fn area_mib_s(samples: &[(u64, f64)], end_ms: u64) -> Option<f64> {
    let ends = samples
        .iter()
        .skip(1)
        .map(|&(t_ms, _)| t_ms)
        .chain([end_ms]);
    let mut from = 0;
    let mut area = 0.0;
    for (&(_, value), until) in samples.iter().zip(ends) {
        let until = until.min(end_ms);
        area += value * until.saturating_sub(from) as f64 / 1000.0;
        from = from.max(until);
    }
    (!samples.is_empty()).then_some(area)
}

/// Each value is the mean of the time before it; the last holds to the end.
fn core_s(samples: &[Sample], end_ms: u64) -> Option<f64> {
    let last = samples.last()?;
    let mut from = 0;
    let mut spent = 0.0;
    for (until, percent) in samples
        .iter()
        .map(|sample| (sample.t_ms, sample.cpu_percent))
        .chain([(end_ms, last.cpu_percent)])
    {
        spent += percent / 100.0 * until.saturating_sub(from) as f64 / 1000.0;
        from = from.max(until);
    }
    Some(spent)
}

/// What the sampling thread brings home.
#[derive(Default)]
struct Sampled {
    samples: Vec<Sample>,
    kernel_peak_memory_bytes: Option<u64>,
    cpu: Duration,
}

/// A thread of its own, so that what the async runtime is busy with does not stretch the intervals.
pub(crate) struct Sampler {
    stop: mpsc::Sender<()>,
    thread: JoinHandle<Sampled>,
    has_group: bool,
    gpu_baseline_mib: Option<f64>,
}

pub(crate) struct Source {
    pub cgroup: Option<Cgroup>,
    /// With the device's id.
    pub gpu: Option<(Gpu, String)>,
}

impl Source {
    pub fn gpu_used_mib(&self) -> Option<f64> {
        let (gpu, id) = self.gpu.as_ref()?;
        gpu.used_mib(id)
            .inspect_err(|error| tracing::warn!(%error, "no GPU sample"))
            .ok()
    }
}

impl Sampler {
    pub fn start(source: Source, started: Instant, gpu_baseline_mib: Option<f64>) -> Self {
        let (stop, stopped) = mpsc::channel();
        let has_group = source.cgroup.is_some();
        let thread = std::thread::spawn(move || sample_until(&stopped, &source, started));
        Self {
            stop,
            thread,
            has_group,
            gpu_baseline_mib,
        }
    }

    /// `wall_ms` is where the last value of the area ends.
    pub fn finish(self, wall_ms: u64) -> Usage {
        drop(self.stop);
        let sampled = self.thread.join().unwrap_or_default();
        let mut samples = sampled.samples;
        samples.retain(|sample| sample.t_ms <= wall_ms);
        let gpu: Vec<_> = samples
            .iter()
            .filter_map(|sample| Some((sample.t_ms, sample.gpu_used_mib?)))
            .collect();
        let memory: Vec<_> = samples
            .iter()
            .filter(|_| self.has_group)
            .map(|sample| (sample.t_ms, sample.memory_bytes as f64 / MIB))
            .collect();
        Usage {
            peak_memory_bytes: samples.iter().map(|s| s.memory_bytes).max().unwrap_or(0),
            kernel_peak_memory_bytes: sampled.kernel_peak_memory_bytes,
            memory_area_mib_s: area_mib_s(&memory, wall_ms),
            cpu_core_s: core_s(&samples, wall_ms).filter(|_| self.has_group),
            gpu_peak_mib: gpu.iter().map(|&(_, used)| used).reduce(f64::max),
            gpu_area_mib_s: area_mib_s(&gpu, wall_ms),
            gpu_baseline_mib: self.gpu_baseline_mib,
            sampling_cpu: sampled.cpu,
            samples,
        }
    }
}

fn sample_until(stopped: &mpsc::Receiver<()>, source: &Source, started: Instant) -> Sampled {
    let mut sampled = Sampled::default();
    // The cgroup has spent time before, on making the container.
    let mut before = (
        Instant::now(),
        source.cgroup.as_ref().and_then(Cgroup::cpu_ns).unwrap_or(0),
    );
    let mut due = started;
    loop {
        due += INTERVAL;
        // After a pause of the whole machine the missed ones are not made up for.
        due = due.max(Instant::now());
        match stopped.recv_timeout(due.saturating_duration_since(Instant::now())) {
            Err(RecvTimeoutError::Timeout) => {}
            Ok(()) | Err(RecvTimeoutError::Disconnected) => break,
        }
        let now = Instant::now();
        let gpu_used_mib = source.gpu_used_mib();
        let group = source.cgroup.as_ref();
        let cpu = group.and_then(Cgroup::cpu_ns);
        let memory = group.and_then(Cgroup::memory_bytes);
        if gpu_used_mib.is_none() && memory.is_none() {
            continue;
        }
        // Gone with the container, so asked for while it is there.
        let peak = group.and_then(Cgroup::peak_memory_bytes);
        sampled.kernel_peak_memory_bytes = peak.or(sampled.kernel_peak_memory_bytes);
        let spent = cpu.unwrap_or(before.1).saturating_sub(before.1);
        let passed = now.duration_since(before.0).as_nanos().max(1);
        sampled.samples.push(Sample {
            t_ms: u64::try_from(now.duration_since(started).as_millis()).unwrap_or(u64::MAX),
            gpu_used_mib,
            cpu_percent: spent as f64 / passed as f64 * 100.0,
            memory_bytes: memory.unwrap_or(0),
        });
        before = (now, cpu.unwrap_or(before.1));
    }
    sampled.cpu = cpu_of_this_thread();
    sampled
}

fn cpu_of_this_thread() -> Duration {
    let spent = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::try_from(spent).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_constant_load_has_the_area_of_a_rectangle_however_it_is_sampled() {
        assert_eq!(
            area_mib_s(&[(100, 256.0), (200, 256.0)], 10_000),
            Some(2560.0)
        );
        assert_eq!(
            area_mib_s(&[(37, 256.0), (900, 256.0), (9999, 256.0)], 10_000),
            Some(2560.0)
        );
    }

    #[test]
    fn the_real_interval_counts_and_not_the_nominal_one() {
        let area = area_mib_s(&[(0, 10.0), (100, 20.0), (400, 30.0)], 500).unwrap();
        assert!((area - (1.0 + 6.0 + 3.0)).abs() < 1e-12);
    }

    #[test]
    fn no_sample_has_no_area_and_one_after_the_end_adds_nothing() {
        assert_eq!(area_mib_s(&[], 500), None);
        assert_eq!(area_mib_s(&[(0, 10.0), (1100, 99.0)], 1000), Some(10.0));
    }

    #[test]
    fn cpu_time_is_that_of_the_intervals_and_of_the_rest() {
        let sample = |t_ms, cpu_percent| Sample {
            t_ms,
            cpu_percent,
            gpu_used_mib: None,
            memory_bytes: 0,
        };
        let samples = [sample(100, 100.0), sample(400, 200.0), sample(500, 50.0)];
        let spent = core_s(&samples, 700).unwrap();
        assert!((spent - (0.1 + 0.6 + 0.05 + 0.1)).abs() < 1e-12, "{spent}");
        assert_eq!(core_s(&[], 700), None);
    }

    #[test]
    fn our_own_load_is_seen() {
        let source = Source {
            cgroup: Cgroup::of_process(std::process::id()),
            gpu: None,
        };
        if source.cgroup.is_none() {
            let line = "SKIPPED cgroup: our_own_load_is_seen\n";
            std::io::Write::write_all(&mut std::io::stderr(), line.as_bytes()).unwrap();
            return;
        }
        let sampler = Sampler::start(source, Instant::now(), None);
        std::thread::sleep(Duration::from_millis(350));
        let usage = sampler.finish(350);
        assert!(
            (2..=3).contains(&usage.samples.len()),
            "{:?}",
            usage.samples
        );
        assert!(usage.peak_memory_bytes > 0);
        let peak = usage.peak_memory_bytes as f64 / MIB;
        let area = usage.memory_area_mib_s.unwrap();
        assert!(
            area > 0.0 && area <= peak * 0.35 * (1.0 + 1e-9),
            "{area} of {peak}"
        );
        assert!(usage.cpu_core_s.is_some());
        assert!(usage.sampling_cpu > Duration::ZERO);
        assert_eq!(usage.gpu_area_mib_s, None);
    }
}
