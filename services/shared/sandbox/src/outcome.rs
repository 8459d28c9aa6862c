use bollard::models::ContainerState;
use chrono::{DateTime, Datelike, Utc};

use crate::{Log, Usage};

/// How a container ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// By itself; a non-zero code may still have left a readable prediction.
    Finished {
        exit_code: i64,
    },
    OutOfMemory,
    TimedOut,
    Silent,
    OutputTooLarge,
    /// It wrote more outside `/outputs` than it may.
    DiskFull,
    Cancelled,
    /// The image's own command, user or working directory cannot be started; the engine says why.
    StartFailed(String),
}

impl Outcome {
    /// The public code of a failure; a container that ended by itself has none.
    pub fn code(&self) -> Option<&'static str> {
        match self {
            Self::Finished { .. } => None,
            Self::OutOfMemory => Some("out-of-memory"),
            Self::TimedOut => Some("timed-out"),
            Self::Silent => Some("silent"),
            Self::OutputTooLarge => Some("output-too-large"),
            Self::DiskFull => Some("disk-full"),
            Self::Cancelled => Some("cancelled"),
            Self::StartFailed(_) => Some("start-failed"),
        }
    }
}

#[derive(Debug)]
pub struct Finished {
    pub outcome: Outcome,
    /// None if it never started.
    pub exit_code: Option<i64>,
    pub started_at: Option<DateTime<Utc>>,
    pub finished_at: Option<DateTime<Utc>>,
    /// The engine's FinishedAt − StartedAt.
    pub wall_ms: u64,
    pub oom_killed: bool,
    pub log: Log,
    pub usage: Usage,
}

impl Finished {
    pub(crate) fn never_started(outcome: Outcome) -> Self {
        Self {
            outcome,
            exit_code: None,
            started_at: None,
            finished_at: None,
            wall_ms: 0,
            oom_killed: false,
            log: Log::default(),
            usage: Usage::default(),
        }
    }
}

/// Docker gives 126 and 127 to commands that cannot be run; the rest is told by what runc says.
pub(crate) fn is_the_images_fault(exit_code: Option<i64>, message: &str) -> bool {
    const SAYINGS: [&str; 5] = [
        "executable file not found",
        "unable to find user",
        "unable to find group",
        "chdir to cwd",
        "not a directory",
    ];
    matches!(exit_code, Some(126 | 127)) || SAYINGS.iter().any(|saying| message.contains(saying))
}

/// The engine writes the year 1 for never.
pub(crate) fn time(text: Option<&str>) -> Option<DateTime<Utc>> {
    let time = DateTime::parse_from_rfc3339(text?).ok()?.to_utc();
    (time.year() > 1).then_some(time)
}

pub(crate) fn wall_ms(state: &ContainerState) -> u64 {
    let ends = time(state.started_at.as_deref()).zip(time(state.finished_at.as_deref()));
    ends.and_then(|(start, end)| u64::try_from((end - start).num_milliseconds()).ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wall_time_is_what_the_engine_wrote_down() {
        let state = ContainerState {
            started_at: Some("2026-11-23T15:14:49.916386936Z".into()),
            finished_at: Some("2026-11-23T15:14:51.017386936Z".into()),
            ..Default::default()
        };
        assert_eq!(wall_ms(&state), 1101);
        assert_eq!(time(Some("0001-01-01T00:00:00Z")), None);
    }

    #[test]
    fn a_start_that_fails_is_blamed_by_what_the_engine_says() {
        assert!(is_the_images_fault(Some(127), "x"));
        assert!(is_the_images_fault(
            Some(128),
            "unable to find user bob: no matching entries"
        ));
        assert!(!is_the_images_fault(
            Some(128),
            "could not select device driver \"nvidia\""
        ));
    }
}
