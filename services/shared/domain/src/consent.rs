//! Whether an organizer may act alone. A challenge file names the acts that need a second one; the first
//! asks, another confirms, and whatever a role does about it is decided by [`judge`].

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use crate::{UserId, spelled_enum};

spelled_enum! {
    /// What a challenge file may want a second organizer for.
    pub enum Act as "act" {
        /// A final phase, which shows its scores to everybody.
        Publish = "publish",
        Disqualify = "disqualify",
        /// The publishing of a re-scoring, which moves a board.
        Rescore = "rescore",
    }
}

impl Act {
    /// As the subject of a sentence.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Publish => "publishing this phase",
            Self::Disqualify => "disqualifying this team",
            Self::Rescore => "publishing this re-scoring",
        }
    }
}

/// How long a request waits: over a weekend and a conference, not until everybody has forgotten why.
pub const LASTS: TimeDelta = TimeDelta::days(7);

/// A request that nobody has decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Open {
    pub id: Uuid,
    pub requested_by: UserId,
    pub expires_at: DateTime<Utc>,
}

impl Open {
    /// Exclusive, as the end of a phase.
    pub fn is_over(&self, now: DateTime<Utc>) -> bool {
        now >= self.expires_at
    }
}

/// What an organizer's wish comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Nobody else is needed.
    Act,
    /// It becomes a request that waits for another.
    Ask,
    /// It is the second organizer's word to this request: act.
    Confirm(Uuid),
}

/// Why it comes to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("you asked for it already, and it waits for a second organizer")]
    Waits,
    #[error("another organizer asked for it already; confirm or decline that request")]
    AskedByAnother,
    #[error("it is your own request: the second organizer has to be somebody else")]
    Own,
    #[error("the request was decided or has expired; ask for it anew")]
    Over,
}

/// `confirms` names the request that the caller confirms. A person stays the same whichever of their tokens
/// they use.
pub fn judge(
    needs_second: bool,
    open: Option<&Open>,
    caller: UserId,
    confirms: Option<Uuid>,
    now: DateTime<Utc>,
) -> Result<Verdict, Refusal> {
    let open = open.filter(|open| !open.is_over(now));
    match (confirms, open) {
        (Some(id), Some(open)) if open.id == id => match open.requested_by == caller {
            true => Err(Refusal::Own),
            false => Ok(Verdict::Confirm(id)),
        },
        (Some(_), _) => Err(Refusal::Over),
        (None, _) if !needs_second => Ok(Verdict::Act),
        (None, Some(open)) if open.requested_by == caller => Err(Refusal::Waits),
        (None, Some(_)) => Err(Refusal::AskedByAnother),
        (None, None) => Ok(Verdict::Ask),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADA: UserId = UserId(Uuid::from_u128(1));
    const BOB: UserId = UserId(Uuid::from_u128(2));
    const ID: Uuid = Uuid::from_u128(7);

    fn noon() -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::hours(12)
    }

    fn of_ada() -> Open {
        Open {
            id: ID,
            requested_by: ADA,
            expires_at: noon() + LASTS,
        }
    }

    #[test]
    fn one_is_enough_where_the_file_does_not_ask_for_two() {
        assert_eq!(judge(false, None, ADA, None, noon()), Ok(Verdict::Act));
        // The rule was dropped while a request waited.
        assert_eq!(
            judge(false, Some(&of_ada()), ADA, None, noon()),
            Ok(Verdict::Act)
        );
    }

    #[test]
    fn only_another_person_confirms_and_only_by_name() {
        let open = of_ada();
        let judge = |caller, confirms| judge(true, Some(&open), caller, confirms, noon());
        assert_eq!(judge(BOB, Some(ID)), Ok(Verdict::Confirm(ID)));
        assert_eq!(judge(ADA, Some(ID)), Err(Refusal::Own));
        assert_eq!(judge(ADA, None), Err(Refusal::Waits));
        assert_eq!(judge(BOB, None), Err(Refusal::AskedByAnother));
        assert_eq!(judge(BOB, Some(Uuid::nil())), Err(Refusal::Over));
    }

    #[test]
    fn a_request_ends_at_its_time_and_may_be_made_anew() {
        let open = of_ada();
        let end = noon() + LASTS;
        let judge = |confirms, now| judge(true, Some(&open), BOB, confirms, now);
        let before = end - TimeDelta::seconds(1);
        assert_eq!(judge(Some(ID), before), Ok(Verdict::Confirm(ID)));
        assert_eq!(judge(Some(ID), end), Err(Refusal::Over));
        assert_eq!(judge(None, end), Ok(Verdict::Ask));
    }

    #[test]
    fn spellings_round_trip() {
        for act in Act::ALL {
            assert_eq!(act.as_str().parse(), Ok(*act));
        }
    }
}
