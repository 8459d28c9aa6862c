//! A series of GPU memory, and playing it where there is no GPU.

use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::{GpuDevice, GpuError, Inventory};

/// What one GPU used over some seconds, as a JSON file keeps it:
///
/// ```json
/// {
///   "origin": "recorded",
///   "recorded_at": "2026-11-25T12:00:00Z",
///   "load": "hold 1024 MiB for 10 s",
///   "device": {"name": "…", "uuid": "GPU-…", "total_mib": 81559, "driver": "…", "cuda": "12.4"},
///   "samples": [[0, 4.0], [100, 1028.0]]
/// }
/// ```
///
/// A sample is milliseconds since the start and MiB used (total − free). `origin` is `recorded`, by
/// `examples/record_gpu.rs` on that device at that time, or `made`, by hand for a test.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recording {
    pub origin: Origin,
    /// When a real one was recorded, RFC 3339.
    pub recorded_at: Option<String>,
    /// What was done meanwhile.
    pub load: String,
    pub device: Recorded,
    pub samples: Vec<(u64, f64)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    Recorded,
    Made,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recorded {
    pub name: String,
    pub uuid: String,
    pub total_mib: u64,
    pub driver: String,
    pub cuda: Option<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    #[error("no recording: {0}")]
    Json(#[from] serde_json::Error),

    /// Who measures by it has to know where it comes from.
    #[error("a recording of a real GPU says when it was made")]
    NoDate,

    #[error("the samples of a recording are in order, from 0 ms to at most what the device has")]
    Samples,
}

impl Recording {
    pub fn from_json(text: &str) -> Result<Self, RecordingError> {
        let recording: Self = serde_json::from_str(text)?;
        if recording.origin == Origin::Recorded && recording.recorded_at.is_none() {
            return Err(RecordingError::NoDate);
        }
        let most = recording.device.total_mib as f64;
        let is_sound = recording.samples.first().is_some_and(|first| first.0 == 0)
            && recording.samples.is_sorted_by(|a, b| a.0 < b.0)
            && recording
                .samples
                .iter()
                .all(|(_, mib)| (0.0..=most).contains(mib));
        is_sound.then_some(recording).ok_or(RecordingError::Samples)
    }

    /// Each value holds until the next.
    fn at(&self, t_ms: u64) -> f64 {
        let past = self.samples.partition_point(|(at, _)| *at <= t_ms);
        past.checked_sub(1).map_or(0.0, |last| self.samples[last].1)
    }

    /// Of no real device.
    #[cfg(test)]
    pub fn made(samples: Vec<(u64, f64)>) -> Self {
        Self {
            origin: Origin::Made,
            recorded_at: None,
            load: "made for a test".to_owned(),
            device: Recorded {
                name: "made".to_owned(),
                uuid: "GPU-made".to_owned(),
                total_mib: 81_920,
                driver: "none".to_owned(),
                cuda: None,
            },
            samples,
        }
    }
}

/// A recording on its way, from the moment it was begun; its last value stays.
pub struct Replay {
    recording: Recording,
    begun: Instant,
}

impl Replay {
    pub fn begin(recording: Recording) -> Self {
        Self {
            recording,
            begun: Instant::now(),
        }
    }

    pub fn inventory(&self) -> Inventory {
        let recorded = self.recording.device.clone();
        Inventory {
            devices: vec![GpuDevice {
                index: 0,
                uuid: recorded.uuid,
                name: recorded.name,
                total_mib: recorded.total_mib,
                driver: recorded.driver,
                cuda: recorded.cuda,
            }],
            left_out: Vec::new(),
        }
    }

    pub fn used_mib(&self, id: &str) -> Result<f64, GpuError> {
        if id != self.recording.device.uuid {
            return Err(GpuError(format!("the recording is not of {id}")));
        }
        let t_ms = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        Ok(self.recording.at(t_ms))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_holds_from_its_sample_to_the_next_and_the_last_for_ever() {
        let recording = Recording::made(vec![(0, 1.0), (100, 5.0), (250, 2.0)]);
        let values = [0, 99, 100, 249, 250, 9999].map(|t_ms| recording.at(t_ms));
        assert_eq!(values, [1.0, 1.0, 5.0, 5.0, 2.0, 2.0]);
    }

    #[test]
    fn a_recording_says_where_it_comes_from_and_is_whole() {
        let text = |recording: &Recording| serde_json::to_string(recording).unwrap();
        let made = Recording::made(vec![(0, 4.0), (100, 1028.0)]);
        assert_eq!(Recording::from_json(&text(&made)).unwrap(), made);

        let undated = Recording {
            origin: Origin::Recorded,
            ..made.clone()
        };
        let refused = Recording::from_json(&text(&undated));
        assert!(matches!(refused, Err(RecordingError::NoDate)));
        for samples in [
            vec![],
            vec![(5, 1.0)],
            vec![(0, 1.0), (0, 2.0)],
            vec![(0, -1.0)],
            vec![(0, 90_000.0)],
        ] {
            let refused = Recording::from_json(&text(&Recording::made(samples)));
            assert!(matches!(refused, Err(RecordingError::Samples)));
        }
    }

    /// Of PyTorch, which asked for 1 GiB, for 3 GiB more, gave these back and ended.
    #[test]
    fn a_real_series_steps_by_what_a_program_took_and_comes_back() {
        let text = include_str!("../../tests/gpu/h100.json");
        let recording = Recording::from_json(text).unwrap();
        assert_eq!(recording.origin, Origin::Recorded);
        let used: Vec<_> = recording.samples.iter().map(|(_, mib)| *mib).collect();
        let idle = used[0];
        let most = used.iter().copied().fold(0.0, f64::max);
        let step = |mib: f64| {
            used.windows(2)
                .any(|pair| (pair[1] - pair[0] - mib).abs() < 4.0)
        };
        assert!(step(1024.0) && step(3072.0) && step(-3072.0));
        assert!((4096.0..5120.0).contains(&(most - idle)), "{most} {idle}");
        assert!((used[used.len() - 1] - idle).abs() <= super::super::SLACK_MIB);
    }
}
