//! How much a team may hand in.

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Quota {
    /// Per day of the create, in the challenge's zone.
    pub per_day: Option<u32>,
    /// Over the whole phase.
    pub total: Option<u32>,
    /// Not yet final at the same time.
    pub concurrent: u32,
    /// Free failures (refused, cancelled before anything was spent) per day.
    pub free_failures_per_day: u32,
    /// Trials of containers per day, beside all of the above; 0: none is allowed.
    pub trials_per_day: u32,
}

impl Default for Quota {
    fn default() -> Self {
        Self {
            per_day: Some(5),
            total: None,
            concurrent: 2,
            free_failures_per_day: 10,
            trials_per_day: 3,
        }
    }
}

/// What a team has used of its quota in a phase. Reserved and spent count alike.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Used {
    pub today: u32,
    pub total: u32,
    pub concurrent: u32,
    pub returned_today: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Exhausted {
    #[error(
        "your team has {0} submissions in work, as many as the phase allows at a time; wait for one to end or cancel it"
    )]
    Concurrent(u32),
    #[error(
        "your team has used its {0} submissions of today; the day ends at midnight in the challenge's time zone"
    )]
    Day(u32),
    #[error("your team has used all {0} submissions of this phase")]
    Total(u32),
    #[error(
        "{0} uploads of your team failed or were cancelled today, as many as are free; try again tomorrow"
    )]
    FreeFailures(u32),
    #[error(
        "your team has used its {0} trials of today; the day ends at midnight in the challenge's time zone"
    )]
    Trials(u32),
    #[error("this phase allows no trials; submit the image itself, its public case is run first")]
    NoTrials,
}

impl Exhausted {
    /// Whether waiting for the next day helps.
    pub const fn ends_with_the_day(self) -> bool {
        matches!(self, Self::Day(_) | Self::FreeFailures(_) | Self::Trials(_))
    }
}

impl Quota {
    /// Whether one more may be created.
    pub fn check(&self, used: Used) -> Result<(), Exhausted> {
        if self.total.is_some_and(|most| used.total >= most) {
            return Err(Exhausted::Total(used.total));
        }
        if self.per_day.is_some_and(|most| used.today >= most) {
            return Err(Exhausted::Day(used.today));
        }
        if used.returned_today >= self.free_failures_per_day {
            return Err(Exhausted::FreeFailures(used.returned_today));
        }
        if used.concurrent >= self.concurrent {
            return Err(Exhausted::Concurrent(used.concurrent));
        }
        Ok(())
    }

    /// Whether one more trial may be created, with so many of today.
    pub fn check_trial(&self, today: u32) -> Result<(), Exhausted> {
        match self.trials_per_day {
            0 => Err(Exhausted::NoTrials),
            most if today >= most => Err(Exhausted::Trials(today)),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_one_of_each_kind_is_allowed_and_the_next_is_not() {
        let quota = Quota {
            per_day: Some(2),
            total: Some(3),
            concurrent: 1,
            free_failures_per_day: 4,
            trials_per_day: 0,
        };
        let used = |today, total, concurrent, returned_today| Used {
            today,
            total,
            concurrent,
            returned_today,
        };
        assert_eq!(quota.check(used(1, 2, 0, 3)), Ok(()));
        assert_eq!(quota.check(used(2, 2, 0, 0)), Err(Exhausted::Day(2)));
        assert_eq!(quota.check(used(0, 3, 0, 0)), Err(Exhausted::Total(3)));
        assert_eq!(quota.check(used(0, 0, 1, 0)), Err(Exhausted::Concurrent(1)));
        assert_eq!(
            quota.check(used(0, 0, 0, 4)),
            Err(Exhausted::FreeFailures(4))
        );
    }

    #[test]
    fn trials_have_a_number_of_their_own() {
        let quota = Quota {
            per_day: Some(0),
            trials_per_day: 2,
            ..Quota::default()
        };
        assert_eq!(quota.check_trial(1), Ok(()));
        assert_eq!(quota.check_trial(2), Err(Exhausted::Trials(2)));
        let none = Quota {
            trials_per_day: 0,
            ..quota
        };
        assert_eq!(none.check_trial(0), Err(Exhausted::NoTrials));
        assert!(!Exhausted::NoTrials.ends_with_the_day());
    }

    #[test]
    fn what_never_comes_back_is_said_before_what_comes_back_tomorrow() {
        let quota = Quota {
            per_day: Some(1),
            total: Some(1),
            concurrent: 1,
            free_failures_per_day: 1,
            trials_per_day: 0,
        };
        let used = Used {
            today: 1,
            total: 1,
            concurrent: 1,
            returned_today: 1,
        };
        assert_eq!(quota.check(used), Err(Exhausted::Total(1)));
    }
}
