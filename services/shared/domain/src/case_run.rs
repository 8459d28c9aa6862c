//! One case of an attempt: the unit of lease, fence, retry and fair share.

use crate::spelled_enum;

/// A case run whose lease was lost this often is given up with `worker-lost`.
pub const LOST_LEASES_MAX: u32 = 3;

spelled_enum! {
    /// A canary tries the image on a public case; only when it passed are the hidden ones released.
    pub enum CaseRunKind as "case run kind" {
        Canary = "canary",
        Case = "case",
    }
}

spelled_enum! {
    /// ```text
    /// waiting ──Release──▶ released ──Claim──▶ running ──Finish──▶ finished
    ///    ▲                     │ Recall           │ Lose
    ///    └─────────────────────┴──────────────────┘
    ///                              any non-final state ──Fail──▶ failed, ──Cancel──▶ cancelled
    /// ```
    pub enum CaseRunState as "case run state" {
        Waiting = "waiting",
        Released = "released",
        Running = "running",
        Finished = "finished",
        Failed = "failed",
        Cancelled = "cancelled",
    }
}

spelled_enum! {
    pub enum Event as "case run event" {
        Release = "release",
        /// The doorbell was rung and nobody came: back in line.
        Recall = "recall",
        Claim = "claim",
        Lose = "lose",
        Finish = "finish",
        Fail = "fail",
        Cancel = "cancel",
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a case run that is {from} cannot {event}")]
pub struct InvalidTransition {
    pub from: CaseRunState,
    pub event: Event,
}

impl CaseRunState {
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Finished | Self::Failed | Self::Cancelled)
    }

    pub fn apply(self, event: Event) -> Result<Self, InvalidTransition> {
        match (self, event) {
            (Self::Waiting, Event::Release) => Ok(Self::Released),
            (Self::Released, Event::Claim) => Ok(Self::Running),
            (Self::Released, Event::Recall) | (Self::Running, Event::Lose) => Ok(Self::Waiting),
            (Self::Running, Event::Finish) => Ok(Self::Finished),
            (from, Event::Fail) if !from.is_final() => Ok(Self::Failed),
            (from, Event::Cancel) if !from.is_final() => Ok(Self::Cancelled),
            (from, event) => Err(InvalidTransition { from, event }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn final_states_refuse_everything_and_every_other_can_fail() {
        for &state in CaseRunState::ALL {
            for &event in Event::ALL {
                assert!(
                    !(state.is_final() && state.apply(event).is_ok()),
                    "{state} accepted {event}"
                );
            }
            assert_eq!(state.apply(Event::Fail).is_ok(), !state.is_final());
            assert_eq!(state.apply(Event::Cancel).is_ok(), !state.is_final());
            assert_eq!(state.as_str().parse(), Ok(state));
        }
    }

    #[test]
    fn nothing_runs_that_was_not_released() {
        assert!(CaseRunState::Waiting.apply(Event::Claim).is_err());
    }
}
