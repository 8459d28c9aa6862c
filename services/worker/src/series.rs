//! The curves of a run, on their way to the platform.

use std::time::Duration;

use molar_domain::series::Series;
use molar_domain::worker_api::{Grant, Put, Stored};
use molar_sandbox::{Finished, Sample};
use sha2::{Digest as _, Sha256};

use crate::api::{Api, Error};
use crate::send::send;

/// Few, for a report does not wait for its curves.
const TRIES: u32 = 3;
const PAUSE: Duration = Duration::from_secs(1);
const MIB: f64 = (1 << 20) as f64;

/// None where there is nothing to draw or it could not be stored.
pub async fn put(api: &Api, grant: &Grant, finished: &Finished) -> Option<Stored> {
    if finished.usage.samples.is_empty() {
        return None;
    }
    let packed = match of(finished).pack() {
        Ok(packed) => packed,
        Err(error) => {
            tracing::warn!(%error, "curves not packed");
            return None;
        }
    };
    let put = Put {
        lease_token: grant.lease_token,
        size_bytes: packed.len() as u64,
        sha256: hex::encode(Sha256::digest(&packed)),
    };
    for _ in 0..TRIES {
        match put_once(api, grant, &put, &packed).await {
            Ok(()) => {
                return Some(Stored {
                    size_bytes: put.size_bytes,
                    sha256: put.sha256,
                });
            }
            Err(Error::Away(why)) => tracing::warn!(why, "curves not taken yet"),
            // The report is told the same, and sees to it.
            Err(Error::Stale | Error::Refused(_)) => return None,
        }
        tokio::time::sleep(PAUSE).await;
    }
    None
}

async fn put_once(api: &Api, grant: &Grant, put: &Put, packed: &[u8]) -> Result<(), Error> {
    let to = api.series(grant.case_run_id, put).await?;
    send(api, to, put.size_bytes, packed.to_vec().into()).await
}

fn of(finished: &Finished) -> Series {
    let usage = &finished.usage;
    let has_group = usage.memory_area_mib_s.is_some();
    let group = |value: fn(&Sample) -> f64| {
        let samples = usage.samples.iter().filter(|_| has_group);
        samples.map(value).collect()
    };
    let gpu = usage.samples.iter().map(|sample| sample.gpu_used_mib);
    Series {
        wall_ms: finished.wall_ms,
        t_ms: usage.samples.iter().map(|sample| sample.t_ms).collect(),
        cpu_percent: group(|sample| sample.cpu_percent),
        memory_mib: group(|sample| sample.memory_bytes as f64 / MIB),
        gpu_used_mib: gpu.filter(|_| usage.gpu_area_mib_s.is_some()).collect(),
    }
}

#[cfg(test)]
mod tests {
    use molar_sandbox::{Log, Outcome, Usage};

    use super::*;

    fn finished(usage: Usage) -> Finished {
        Finished {
            outcome: Outcome::Finished { exit_code: 0 },
            exit_code: Some(0),
            started_at: None,
            finished_at: None,
            wall_ms: 250,
            oom_killed: false,
            log: Log::default(),
            usage,
        }
    }

    #[test]
    fn what_was_not_measured_is_an_empty_column() {
        let sample = |t_ms, gpu_used_mib| Sample {
            t_ms,
            gpu_used_mib,
            cpu_percent: 50.0,
            memory_bytes: 3 << 20,
        };
        let without_gpu = of(&finished(Usage {
            samples: vec![sample(100, None), sample(200, None)],
            memory_area_mib_s: Some(0.75),
            ..Usage::default()
        }));
        assert_eq!(without_gpu.memory_mib, [3.0, 3.0]);
        assert!(without_gpu.gpu_used_mib.is_empty());
        let gpu_only = of(&finished(Usage {
            samples: vec![sample(100, Some(7.0)), sample(200, None)],
            gpu_area_mib_s: Some(1.75),
            ..Usage::default()
        }));
        assert_eq!(gpu_only.gpu_used_mib, [Some(7.0), None]);
        assert!(gpu_only.memory_mib.is_empty() && gpu_only.cpu_percent.is_empty());
    }
}
