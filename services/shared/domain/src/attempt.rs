//! One try at running a container over all cases of a phase's split.

use crate::spelled_enum;

spelled_enum! {
    /// ```text
    /// queued ──Start──▶ running ──Finish──▶ finished
    ///    queued, running ──Fail──▶ failed, ──Cancel──▶ cancelled
    /// ```
    pub enum AttemptState as "attempt state" {
        Queued = "queued",
        Running = "running",
        Finished = "finished",
        Failed = "failed",
        Cancelled = "cancelled",
    }
}

spelled_enum! {
    pub enum Event as "attempt event" {
        Start = "start",
        Finish = "finish",
        Fail = "fail",
        Cancel = "cancel",
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an attempt that is {from} cannot {event}")]
pub struct InvalidTransition {
    pub from: AttemptState,
    pub event: Event,
}

impl AttemptState {
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Finished | Self::Failed | Self::Cancelled)
    }

    pub fn apply(self, event: Event) -> Result<Self, InvalidTransition> {
        match (self, event) {
            (Self::Queued, Event::Start) => Ok(Self::Running),
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
        for &state in AttemptState::ALL {
            for &event in Event::ALL {
                assert!(
                    !(state.is_final() && state.apply(event).is_ok()),
                    "{state} accepted {event}"
                );
            }
            assert_eq!(state.apply(Event::Fail).is_ok(), !state.is_final());
            assert_eq!(state.as_str().parse(), Ok(state));
        }
    }
}
