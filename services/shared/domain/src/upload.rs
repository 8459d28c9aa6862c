//! The one file of a submission, from its first part to the verdict of the check.

use crate::spelled_enum;

spelled_enum! {
    /// ```text
    /// open ──Complete──▶ completed ──Claim──▶ checking ──Accept──▶ accepted
    ///   │                  ▲                   │  └─────Refuse──▶ refused
    ///   └─Expire─▶ expired └───────Lose────────┘       open, completed, checking ──Cancel──▶ cancelled
    /// ```
    pub enum UploadState as "upload state" {
        Open = "open",
        Completed = "completed",
        Checking = "checking",
        Accepted = "accepted",
        Refused = "refused",
        Cancelled = "cancelled",
        Expired = "expired",
    }
}

spelled_enum! {
    pub enum Event as "upload event" {
        Complete = "complete",
        Claim = "claim",
        Lose = "lose",
        Accept = "accept",
        Refuse = "refuse",
        Cancel = "cancel",
        Expire = "expire",
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an upload that is {from} cannot {event}")]
pub struct InvalidTransition {
    pub from: UploadState,
    pub event: Event,
}

impl UploadState {
    pub const fn is_final(self) -> bool {
        matches!(
            self,
            Self::Accepted | Self::Refused | Self::Cancelled | Self::Expired
        )
    }

    pub fn apply(self, event: Event) -> Result<Self, InvalidTransition> {
        match (self, event) {
            (Self::Open, Event::Complete) => Ok(Self::Completed),
            // The store turned out to hold something else than was declared.
            (Self::Open, Event::Refuse) => Ok(Self::Refused),
            (Self::Open, Event::Expire) => Ok(Self::Expired),
            (Self::Completed, Event::Claim) => Ok(Self::Checking),
            (Self::Checking, Event::Lose) => Ok(Self::Completed),
            (Self::Checking, Event::Accept) => Ok(Self::Accepted),
            (Self::Checking, Event::Refuse) => Ok(Self::Refused),
            (from, Event::Cancel) if !from.is_final() => Ok(Self::Cancelled),
            (from, event) => Err(InvalidTransition { from, event }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn final_states_refuse_everything_and_every_other_can_be_cancelled() {
        for &state in UploadState::ALL {
            for &event in Event::ALL {
                let next = state.apply(event);
                if state.is_final() {
                    assert!(next.is_err(), "{state} accepted {event}");
                } else if event == Event::Cancel {
                    assert_eq!(next, Ok(UploadState::Cancelled));
                }
            }
            assert_eq!(state.as_str().parse(), Ok(state));
        }
    }

    #[test]
    fn a_verdict_needs_a_check() {
        assert!(UploadState::Completed.apply(Event::Accept).is_err());
        assert!(UploadState::Open.apply(Event::Accept).is_err());
    }
}
