//! This host's GPUs: what they are, what is used of them, and by whom.

mod driver;
mod recording;

use std::sync::Arc;
use std::time::Duration;

use driver::Driver;
use recording::Replay;
pub use recording::{Origin, Recorded, Recording, RecordingError};

/// A source of what is used of the GPUs: the driver's own library, or a series that was recorded on a real
/// one, where there is none.
#[derive(Clone)]
pub struct Gpu(Source);

#[derive(Clone)]
enum Source {
    Driver(Arc<Driver>),
    Replay(Arc<Replay>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GpuDevice {
    pub index: u32,
    pub uuid: String,
    pub name: String,
    pub total_mib: u64,
    pub driver: String,
    /// The newest CUDA that the driver runs, as in `12.4`.
    pub cuda: Option<String>,
}

/// The GPUs that a case can own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inventory {
    pub devices: Vec<GpuDevice>,
    /// Those that none can, by index, with the reason.
    pub left_out: Vec<(u32, String)>,
}

#[derive(Debug, thiserror::Error)]
#[error("the driver does not say: {0}")]
pub struct GpuError(String);

/// Memory that does not come back after a case.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{used_mib:.0} MiB are used where {idle_mib:.0} MiB were, by the processes {pids:?}")]
pub struct Unsettled {
    pub used_mib: f64,
    pub idle_mib: f64,
    /// On the host; none that can be seen may still mean the driver itself.
    pub pids: Vec<u32>,
}

/// What the use of an idle card varies by itself.
const SLACK_MIB: f64 = 64.0;
const LOOK_EVERY: Duration = Duration::from_millis(200);

impl Gpu {
    /// None where there is no driver.
    pub fn detect() -> Option<Self> {
        match Driver::open() {
            Ok(driver) => Some(Self(Source::Driver(Arc::new(driver)))),
            Err(error) => {
                tracing::info!(%error, "no GPU is measured on this host");
                None
            }
        }
    }

    /// Plays a series from now on: the one GPU of a host that has none.
    pub fn replay(recording: Recording) -> Self {
        Self(Source::Replay(Arc::new(Replay::begin(recording))))
    }

    pub fn inventory(&self) -> Result<Inventory, GpuError> {
        match &self.0 {
            Source::Driver(driver) => driver.inventory(),
            Source::Replay(replay) => Ok(replay.inventory()),
        }
    }

    /// Used memory as the challenge measures it: total − free, of the whole device, which the one
    /// case owns. `id` is a UUID.
    pub fn used_mib(&self, id: &str) -> Result<f64, GpuError> {
        match &self.0 {
            Source::Driver(driver) => driver.used_mib(id),
            Source::Replay(replay) => replay.used_mib(id),
        }
    }

    /// Processes that hold memory of the device.
    pub fn pids(&self, id: &str) -> Result<Vec<u32>, GpuError> {
        match &self.0 {
            Source::Driver(driver) => driver.pids(id),
            Source::Replay(_) => Ok(Vec::new()),
        }
    }

    /// Waits until no more is used than an idle card does, and returns how much that is.
    ///
    /// The driver takes back what a killed process had, but not before the process has quite gone.
    pub async fn settle(
        &self,
        id: &str,
        idle_mib: f64,
        patience: Duration,
    ) -> Result<Result<f64, Unsettled>, GpuError> {
        let until = tokio::time::Instant::now() + patience;
        loop {
            let used_mib = self.used_mib(id)?;
            if used_mib <= idle_mib + SLACK_MIB {
                return Ok(Ok(used_mib));
            }
            if tokio::time::Instant::now() >= until {
                let pids = self.pids(id)?;
                return Ok(Err(Unsettled {
                    used_mib,
                    idle_mib,
                    pids,
                }));
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{self, Sampler};

    /// Falls from 4 GiB to what it was before in half a second.
    fn falling(end_mib: f64) -> Gpu {
        let samples = vec![(0, 4096.0), (500, end_mib)];
        Gpu::replay(Recording::made(samples))
    }

    #[tokio::test]
    async fn memory_that_comes_back_is_waited_for() {
        let gpu = falling(30.0);
        let id = gpu.inventory().unwrap().devices[0].uuid.clone();
        let settled = gpu.settle(&id, 10.0, Duration::from_secs(20)).await;
        assert_eq!(settled.unwrap(), Ok(30.0));
    }

    #[tokio::test]
    async fn memory_that_does_not_come_back_is_told() {
        let gpu = falling(80.0);
        let id = gpu.inventory().unwrap().devices[0].uuid.clone();
        let settled = gpu.settle(&id, 10.0, Duration::from_secs(1)).await;
        let unsettled = settled.unwrap().unwrap_err();
        assert_eq!((unsettled.used_mib, unsettled.idle_mib), (80.0, 10.0));
        assert!(
            unsettled
                .to_string()
                .contains("80 MiB are used where 10 MiB were")
        );
    }

    #[test]
    fn what_is_replayed_is_measured_as_it_was_recorded() {
        let gpu = Gpu::replay(Recording::made(vec![(0, 4.0), (500, 1028.0), (1500, 4.0)]));
        let id = gpu.inventory().unwrap().devices[0].uuid.clone();
        let source = sample::Source {
            cgroup: None,
            gpu: Some((gpu, id)),
        };
        let baseline = source.gpu_used_mib();
        let sampler = Sampler::start(source, std::time::Instant::now(), baseline);
        std::thread::sleep(Duration::from_millis(2050));
        let usage = sampler.finish(2000);
        assert_eq!(usage.gpu_baseline_mib, Some(4.0));
        // 4 MiB twice half a second and 1028 MiB a second, each edge a sample late at most.
        let area = usage.gpu_area_mib_s.unwrap();
        assert!((area - 1032.0).abs() < 0.12 * 1032.0, "{area}");
    }

    #[test]
    fn another_card_than_the_recorded_is_not_read() {
        assert!(falling(0.0).used_mib("GPU-of-another-host").is_err());
    }
}
