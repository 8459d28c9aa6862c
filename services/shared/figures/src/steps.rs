//! Changes in the order of time.

use chrono::{DateTime, Utc};

use crate::number::drawable;

/// The history of one entry.
#[derive(Debug, Clone, Copy)]
pub struct Track<'a> {
    pub name: &'a str,
    /// In any order; of two at one instant the later in the list counts.
    pub changes: &'a [Change],
}

/// From then on it had this; None, nothing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Change {
    pub at: DateTime<Utc>,
    pub value: Option<f64>,
}

/// The changes that count, in their order.
pub(crate) struct Steps<'a> {
    pub name: &'a str,
    /// Seconds, and the value from then on.
    pub steps: Vec<(i64, Option<f64>)>,
}

impl<'a> Steps<'a> {
    pub fn of(track: &Track<'a>, until: DateTime<Utc>) -> Self {
        let changes = track.changes.iter().filter(|change| change.at <= until);
        let mut steps: Vec<(i64, Option<f64>)> = changes
            .map(|change| (change.at.timestamp(), drawable(change.value)))
            .collect();
        steps.sort_by_key(|(at, _)| *at);
        steps.dedup_by(|later, earlier| {
            let is_same = later.0 == earlier.0;
            if is_same {
                earlier.1 = later.1;
            }
            is_same
        });
        Self {
            name: track.name,
            steps,
        }
    }

    pub fn values(&self) -> impl Iterator<Item = (i64, f64)> {
        self.steps
            .iter()
            .filter_map(|(at, value)| Some((*at, (*value)?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_changes_at_one_instant_the_later_counts_and_none_after_the_end() {
        let at = |seconds| DateTime::from_timestamp(seconds, 0).unwrap();
        let change = |seconds, value| Change {
            at: at(seconds),
            value,
        };
        let changes = [
            change(50, Some(3.0)),
            change(10, Some(1.0)),
            change(50, Some(2.0)),
            change(30, None),
            change(61, Some(9.0)),
        ];
        let track = Track {
            name: "a",
            changes: &changes,
        };
        let found = Steps::of(&track, at(60));
        assert_eq!(found.steps, [(10, Some(1.0)), (30, None), (50, Some(2.0))]);
        assert_eq!(found.values().count(), 2);
    }
}
