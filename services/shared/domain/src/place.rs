//! Where an attempt stands in the queue: the turns that dispatch takes, played forward.
//!
//! An estimate and no promise: whoever hands in tomorrow has fewer cases running, and so an earlier turn.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use crate::dispatch::{Share, Waiting, turns};
use crate::ids::TeamId;

/// Of the attempt's next case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    pub attempt: Uuid,
    /// 1 is the next case that begins, whosever it is.
    pub number: u32,
    pub starts_at: DateTime<Utc>,
}

/// The places of all attempts that have something waiting, in their order. `free_at` says of each slot when it
/// has nothing to do; without a slot nobody has a place. `lasts` is how long a case of an attempt takes.
pub fn places(
    waiting: &[Waiting],
    share: impl Fn(TeamId) -> Share,
    free_at: Vec<DateTime<Utc>>,
    lasts: impl Fn(Uuid) -> TimeDelta,
) -> Vec<Place> {
    let attempt_of: std::collections::HashMap<_, _> = waiting
        .iter()
        .map(|run| (run.case_run, run.order.0))
        .collect();
    let mut slots: BinaryHeap<_> = free_at.into_iter().map(Reverse).collect();
    let mut placed = BTreeSet::new();
    let mut places = Vec::new();
    for (run, number) in turns(waiting, share, waiting.len()).into_iter().zip(1..) {
        let (Some(Reverse(starts_at)), Some(&attempt)) = (slots.pop(), attempt_of.get(&run)) else {
            break;
        };
        slots.push(Reverse(starts_at + lasts(attempt)));
        if placed.insert(attempt) {
            places.push(Place {
                attempt,
                number,
                starts_at,
            });
        }
    }
    places
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone as _;

    use super::*;
    use crate::ids::CaseRunId;

    fn noon() -> DateTime<Utc> {
        Utc.with_ymd_and_hms(2026, 9, 1, 12, 0, 0).unwrap()
    }

    fn id(n: u128) -> Uuid {
        Uuid::from_u128(n)
    }

    /// That many cases of an attempt, whose team has the same number.
    fn cases(attempt: u128, count: i32) -> Vec<Waiting> {
        let run = |position: i32| Waiting {
            case_run: CaseRunId(id(attempt * 1000 + position.unsigned_abs() as u128)),
            team: TeamId(id(attempt)),
            needs_gpu: false,
            is_rerun: false,
            preference: 0,
            order: (id(attempt), position),
        };
        (0..count).map(run).collect()
    }

    fn stand(waiting: &[Waiting], running: &[u128], slots: usize) -> Vec<(u128, u32, i64)> {
        let share = |team: TeamId| Share {
            running: u32::from(running.contains(&team.0.as_u128())),
            last_served_at: None,
        };
        let free_at = vec![noon(); slots];
        let places = places(waiting, share, free_at, |_| TimeDelta::minutes(2));
        let minutes = |place: &Place| (place.starts_at - noon()).num_minutes();
        places
            .iter()
            .map(|place| (place.attempt.as_u128(), place.number, minutes(place)))
            .collect()
    }

    #[test]
    fn a_team_with_a_hundred_cases_is_one_case_before_the_next() {
        let waiting = [cases(1, 100), cases(2, 3)].concat();
        assert_eq!(stand(&waiting, &[], 1), [(1, 1, 0), (2, 2, 2)]);
    }

    #[test]
    fn who_has_nothing_running_goes_first_and_two_slots_halve_the_wait() {
        let waiting = [cases(1, 2), cases(2, 1), cases(3, 1), cases(4, 1)].concat();
        let one = [(2, 1, 0), (3, 2, 2), (4, 3, 4), (1, 4, 6)];
        assert_eq!(stand(&waiting, &[1], 1), one);
        let two = [(2, 1, 0), (3, 2, 0), (4, 3, 2), (1, 4, 2)];
        assert_eq!(stand(&waiting, &[1], 2), two);
    }

    #[test]
    fn the_places_are_those_in_which_dispatch_hands_out() {
        let waiting = [cases(3, 4), cases(1, 2), cases(2, 7)].concat();
        let share = |_| Share::default();
        let mut begun = BTreeSet::new();
        let handed_out = turns(&waiting, share, waiting.len()).into_iter().zip(1..);
        let expected: Vec<(u128, u32)> = handed_out
            .map(|(run, number)| (run.0.as_u128() / 1000, number))
            .filter(|(attempt, _)| begun.insert(*attempt))
            .collect();
        let found = stand(&waiting, &[], 3);
        let found: Vec<_> = found
            .into_iter()
            .map(|(a, number, _)| (a, number))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn without_a_slot_nobody_has_a_place() {
        assert_eq!(stand(&cases(1, 3), &[], 0), []);
    }
}
