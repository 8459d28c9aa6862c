//! A re-scoring: new evaluations beside those that count, looked at, then published or dropped.

use crate::spelled_enum;

spelled_enum! {
    /// ```text
    /// draft ──Compute──▶ computing ──Complete──▶ ready ──Publish──▶ published
    ///                        ▲                     │
    ///                        └────────Grow─────────┘        draft, computing, ready ──Drop──▶ dropped
    /// ```
    pub enum RescoringState as "re-scoring state" {
        /// Says what would be measured; nothing is yet.
        Draft = "draft",
        Computing = "computing",
        /// Everything that it touches is measured: who moves is known.
        Ready = "ready",
        Published = "published",
        /// Its evaluations stay on record and never count.
        Dropped = "dropped",
    }
}

spelled_enum! {
    pub enum Event as "re-scoring event" {
        Compute = "compute",
        Complete = "complete",
        /// Another submission was scored in the meantime.
        Grow = "grow",
        Publish = "publish",
        Drop = "drop",
    }
}

spelled_enum! {
    /// Which cases are measured again.
    pub enum Scope as "scope" {
        /// Those for which something differs; the scores of the others are taken over.
        Touched = "touched",
        /// All, also those for which nothing differs.
        Everything = "everything",
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a re-scoring that is {from} cannot {event}")]
pub struct InvalidTransition {
    pub from: RescoringState,
    pub event: Event,
}

impl RescoringState {
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Published | Self::Dropped)
    }

    pub fn apply(self, event: Event) -> Result<Self, InvalidTransition> {
        match (self, event) {
            (Self::Draft, Event::Compute) | (Self::Ready, Event::Grow) => Ok(Self::Computing),
            (Self::Computing, Event::Complete) => Ok(Self::Ready),
            (Self::Ready, Event::Publish) => Ok(Self::Published),
            (Self::Draft | Self::Computing | Self::Ready, Event::Drop) => Ok(Self::Dropped),
            (from, event) => Err(InvalidTransition { from, event }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_open_one_can_be_dropped_and_an_ended_one_refuses_everything() {
        for state in RescoringState::ALL {
            let dropped = state.apply(Event::Drop);
            assert_eq!(dropped.is_ok(), !state.is_final(), "{state}");
            if state.is_final() {
                assert!(Event::ALL.iter().all(|event| state.apply(*event).is_err()));
            }
        }
    }

    #[test]
    fn only_what_is_ready_is_published() {
        for state in RescoringState::ALL {
            let published = state.apply(Event::Publish);
            assert_eq!(
                published.is_ok(),
                *state == RescoringState::Ready,
                "{state}"
            );
        }
    }
}
