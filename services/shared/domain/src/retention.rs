//! For how long after its close a phase keeps files, and what is said when they are gone.

use std::fmt;
use std::ops::RangeInclusive;

use chrono::{DateTime, TimeDelta, Utc};

/// What a phase may say. A century is for ever.
pub const DAYS: RangeInclusive<u32> = 1..=36_500;

/// Organizers know of a removal at least this long before it.
pub const NOTICE: TimeDelta = TimeDelta::days(7);

/// When they are told, before the days are over.
pub const AHEAD: TimeDelta = TimeDelta::days(14);

/// When files go that are due then, if organizers hear of it now.
pub fn removes_at(due_at: DateTime<Utc>, now: DateTime<Utc>) -> DateTime<Utc> {
    due_at.max(now + NOTICE)
}

/// Whether fewer days, or any at all, are left to what has no end (`None`).
pub fn is_shorter(old: Option<i64>, new: Option<i64>) -> bool {
    match (old, new) {
        (_, None) => false,
        (None, Some(_)) => true,
        (Some(old), Some(new)) => new < old,
    }
}

/// Files that are gone. Says so: "removed on 2 March 2027 under the phase's retention of 90 days".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Removed {
    pub at: DateTime<Utc>,
    pub retention_days: i32,
}

impl fmt::Display for Removed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (day, days) = (self.at.format("%-d %B %Y"), self.retention_days);
        let unit = if days == 1 { "day" } else { "days" };
        write!(
            f,
            "removed on {day} under the phase's retention of {days} {unit}"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn nothing_goes_within_a_week_of_the_notice_nor_before_its_days_are_over() {
        let now = at("2026-11-01T12:00:00Z");
        let overdue = at("2026-01-01T00:00:00Z");
        assert_eq!(removes_at(overdue, now), at("2026-11-08T12:00:00Z"));
        let later = at("2026-11-12T00:00:00Z");
        assert_eq!(removes_at(later, now), later);
    }

    #[test]
    fn for_ever_is_longer_than_any_days() {
        let found = [
            (None, Some(9)),
            (Some(9), Some(8)),
            (Some(9), None),
            (Some(9), Some(9)),
            (None, None),
        ]
        .map(|(old, new)| is_shorter(old, new));
        assert_eq!(found, [true, true, false, false, false]);
    }

    #[test]
    fn it_says_when_and_why_files_went() {
        let removed = Removed {
            at: at("2027-03-02T05:00:00Z"),
            retention_days: 90,
        };
        assert_eq!(
            removed.to_string(),
            "removed on 2 March 2027 under the phase's retention of 90 days"
        );
    }
}
