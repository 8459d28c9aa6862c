//! Fair dispatch: whose case run is released next.
//!
//! The team with the fewest case runs released or running goes first; among equals the one that was
//! served longest ago (never served before all others); then the one that has waited longest. A team
//! that hands in ten containers so gets no more of the machines than one that handed in one.

use chrono::{DateTime, Utc};

use crate::ids::{CaseRunId, TeamId};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waiting {
    pub case_run: CaseRunId,
    pub team: TeamId,
    /// Order within the team: by attempt, then by position; smaller goes first.
    pub order: (uuid::Uuid, i32),
}

#[derive(Debug, Clone, Copy, Default)]
pub struct Share {
    /// Case runs of the team that are released or running.
    pub in_flight: u32,
    pub last_served_at: Option<DateTime<Utc>>,
}

/// Chooses up to `room` case runs in the order in which they are to be released.
///
/// `waiting` is in any order; `share` says how a team stands now. Every choice counts towards the
/// share of its team before the next is made.
pub fn choose(waiting: &[Waiting], share: impl Fn(TeamId) -> Share, room: usize) -> Vec<CaseRunId> {
    let mut teams =
        std::collections::BTreeMap::<TeamId, (Share, std::collections::VecDeque<Waiting>)>::new();
    let mut sorted = waiting.to_vec();
    sorted.sort_by_key(|w| w.order);
    for run in sorted {
        teams
            .entry(run.team)
            .or_insert_with(|| (share(run.team), std::collections::VecDeque::new()))
            .1
            .push_back(run);
    }

    let mut chosen = Vec::new();
    let mut round = 0_u64;
    let mut served_in = std::collections::BTreeMap::<TeamId, u64>::new();
    while chosen.len() < room {
        let next = teams
            .iter()
            .filter_map(|(team, (share, queue))| {
                let first = queue.front()?;
                let served = (served_in.get(team).copied(), share.last_served_at);
                Some(((share.in_flight, served, first.order), *team))
            })
            .min();
        let Some((_, team)) = next else { break };
        if let Some((share, queue)) = teams.get_mut(&team)
            && let Some(run) = queue.pop_front()
        {
            share.in_flight += 1;
            round += 1;
            served_in.insert(team, round);
            chosen.push(run.case_run);
        }
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn run(team: u128, attempt: u128, position: i32) -> Waiting {
        Waiting {
            case_run: CaseRunId(Uuid::from_u128(attempt * 1000 + position as u128)),
            team: TeamId(Uuid::from_u128(team)),
            order: (Uuid::from_u128(attempt), position),
        }
    }

    fn teams_of(chosen: &[CaseRunId], waiting: &[Waiting]) -> Vec<u128> {
        chosen
            .iter()
            .map(|c| {
                waiting
                    .iter()
                    .find(|w| w.case_run == *c)
                    .unwrap()
                    .team
                    .0
                    .as_u128()
            })
            .collect()
    }

    #[test]
    fn a_team_with_many_waiting_gets_no_more_than_a_team_with_few() {
        let mut waiting: Vec<_> = (0..10).map(|i| run(1, 1, i)).collect();
        waiting.extend((0..3).map(|i| run(2, 2, i)));
        let chosen = choose(&waiting, |_| Share::default(), 6);
        assert_eq!(teams_of(&chosen, &waiting), [1, 2, 1, 2, 1, 2]);
    }

    #[test]
    fn a_team_that_already_has_runs_in_flight_waits_for_the_others() {
        let waiting = [run(1, 1, 0), run(1, 1, 1), run(2, 2, 0), run(2, 2, 1)];
        let share = |team: TeamId| Share {
            in_flight: if team.0.as_u128() == 1 { 2 } else { 0 },
            last_served_at: None,
        };
        assert_eq!(teams_of(&choose(&waiting, share, 3), &waiting), [2, 2, 1]);
    }

    #[test]
    fn among_equals_the_one_served_longest_ago_goes_first() {
        let waiting = [run(1, 1, 0), run(2, 2, 0), run(3, 3, 0)];
        let noon: DateTime<Utc> = "2026-01-01T12:00:00Z".parse().unwrap();
        let share = |team: TeamId| Share {
            in_flight: 0,
            last_served_at: match team.0.as_u128() {
                1 => Some(noon),
                2 => Some(noon - chrono::TimeDelta::hours(1)),
                _ => None,
            },
        };
        assert_eq!(teams_of(&choose(&waiting, share, 3), &waiting), [3, 2, 1]);
    }

    #[test]
    fn within_a_team_cases_go_in_order_and_room_is_respected() {
        let waiting = [run(1, 2, 0), run(1, 1, 2), run(1, 1, 1)];
        let chosen = choose(&waiting, |_| Share::default(), 2);
        assert_eq!(chosen, [waiting[2].case_run, waiting[1].case_run]);
        assert!(choose(&waiting, |_| Share::default(), 0).is_empty());
    }
}
