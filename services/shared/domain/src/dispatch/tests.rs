use std::collections::BTreeMap;

use chrono::TimeDelta;
use proptest::prelude::*;

use super::*;
use simulation::{Arrival, Policy, simulate};

#[path = "../../examples/fair_dispatch/simulation.rs"]
#[expect(dead_code, reason = "the example simulates another policy as well")]
mod simulation;

fn run(team: u128, attempt: u128, position: i32) -> Waiting {
    Waiting {
        case_run: CaseRunId(Uuid::from_u128(attempt * 1000 + position as u128)),
        team: TeamId(Uuid::from_u128(team)),
        needs_gpu: false,
        is_rerun: false,
        preference: 0,
        order: (Uuid::from_u128(attempt), position),
    }
}

fn noon() -> DateTime<Utc> {
    "2026-01-01T12:00:00Z".parse().unwrap()
}

fn nobody_runs(_: TeamId) -> Share {
    Share::default()
}

fn teams_of(chosen: &[CaseRunId], waiting: &[Waiting]) -> Vec<u128> {
    let team = |id: &CaseRunId| waiting.iter().find(|run| run.case_run == *id).unwrap().team;
    chosen.iter().map(|id| team(id).0.as_u128()).collect()
}

#[test]
fn a_team_with_many_waiting_gets_no_more_than_a_team_with_few() {
    let mut waiting: Vec<_> = (0..10).map(|i| run(1, 1, i)).collect();
    waiting.extend((0..3).map(|i| run(2, 2, i)));
    let chosen = turns(&waiting, nobody_runs, 6);
    assert_eq!(teams_of(&chosen, &waiting), [1, 2, 1, 2, 1, 2]);
}

#[test]
fn a_team_of_which_some_run_waits_for_the_others() {
    let waiting = [run(1, 1, 0), run(1, 1, 1), run(2, 2, 0), run(2, 2, 1)];
    let share = |team: TeamId| Share {
        running: if team.0.as_u128() == 1 { 2 } else { 0 },
        last_served_at: None,
    };
    assert_eq!(teams_of(&turns(&waiting, share, 3), &waiting), [2, 2, 1]);
}

#[test]
fn among_equals_the_one_served_longest_ago_goes_first() {
    let waiting = [run(1, 1, 0), run(2, 2, 0), run(3, 3, 0)];
    let share = |team: TeamId| Share {
        running: 0,
        last_served_at: match team.0.as_u128() {
            1 => Some(noon()),
            2 => Some(noon() - TimeDelta::hours(1)),
            _ => None,
        },
    };
    assert_eq!(teams_of(&turns(&waiting, share, 3), &waiting), [3, 2, 1]);
}

#[test]
fn within_a_team_cases_go_in_order_and_room_is_respected() {
    let waiting = [run(1, 2, 0), run(1, 1, 2), run(1, 1, 1)];
    let chosen = turns(&waiting, nobody_runs, 2);
    assert_eq!(chosen, [waiting[2].case_run, waiting[1].case_run]);
    assert!(turns(&waiting, nobody_runs, 0).is_empty());
    let liked = Waiting {
        preference: 0,
        ..waiting[0]
    };
    let others = waiting[1..].iter().map(|run| Waiting {
        preference: 1,
        ..*run
    });
    let waiting: Vec<_> = others.chain([liked]).collect();
    assert_eq!(turns(&waiting, nobody_runs, 1), [liked.case_run]);
}

#[test]
fn an_organizers_rerun_goes_behind_everybody() {
    let rerun = Waiting {
        is_rerun: true,
        ..run(1, 1, 0)
    };
    let waiting = [rerun, run(2, 2, 0), run(2, 2, 1), run(1, 3, 0)];
    let chosen = turns(&waiting, nobody_runs, 4);
    assert_eq!(teams_of(&chosen, &waiting), [2, 1, 2, 1]);
    assert_eq!(chosen[3], rerun.case_run);
}

#[test]
fn cases_that_need_a_gpu_leave_the_other_slots_to_the_rest() {
    let on_gpu = |position| Waiting {
        needs_gpu: true,
        ..run(1, 1, position)
    };
    let waiting = [
        on_gpu(0),
        on_gpu(1),
        run(1, 1, 2),
        run(2, 2, 0),
        run(2, 2, 1),
    ];
    let room = |gpus| Room { all: 4, gpus };
    let chosen = |gpus| teams_of(&turns(&waiting, nobody_runs, room(gpus)), &waiting);
    assert_eq!(chosen(4), [1, 2, 1, 2]);
    assert_eq!(chosen(0), [1, 2, 2]);
    let one = turns(&waiting, nobody_runs, room(1));
    let expected = [0, 3, 2, 4].map(|place: usize| waiting[place].case_run);
    assert_eq!(one, expected);
}

#[test]
fn who_comes_later_takes_the_place_of_a_team_that_has_several() {
    let many: Vec<_> = (0..4).map(|i| run(1, 1, i)).collect();
    let (released, waiting) = many.split_at(2);
    // Nothing moves while nobody else is there.
    assert_eq!(change(released, waiting, nobody_runs, 2), Change::default());
    let newcomer = run(2, 2, 0);
    let waiting = [waiting, &[newcomer]].concat();
    let expected = Change {
        release: vec![newcomer.case_run],
        recall: vec![released[1].case_run],
    };
    assert_eq!(change(released, &waiting, nobody_runs, 2), expected);
}

proptest! {
    /// The promise to whoever hands in while others have a hundred containers in line.
    #[test]
    fn no_team_starts_more_than_one_case_before_a_newcomers_first(
        arrivals in prop::collection::vec((0..40u32, 1..6u128, 1..30i32, 1..9u32), 1..12),
        slots in 1..4usize,
    ) {
        let arrival = |(at, team, cases, length)| Arrival { at, team, cases, length };
        let mut arrivals: Vec<_> = arrivals.into_iter().map(arrival).collect();
        arrivals.sort_by_key(|arrival| arrival.at);
        let started = simulate(Policy::Fair, &arrivals, slots);
        let cases: i32 = arrivals.iter().map(|arrival| arrival.cases).sum();
        prop_assert_eq!(started.len() as i32, cases, "nothing is left");
        for team in 1..6 {
            let Some(came) = arrivals.iter().find(|arrival| arrival.team == team) else {
                continue;
            };
            let first = started.iter().position(|start| start.team == team).unwrap();
            let before = started[..first].iter().filter(|start| start.at >= came.at);
            let mut by_team = BTreeMap::<u128, u32>::new();
            for start in before {
                *by_team.entry(start.team).or_default() += 1;
            }
            prop_assert!(by_team.values().all(|&n| n <= 1), "{team}: {by_team:?} of {started:?}");
        }
    }

    #[test]
    fn what_is_chosen_is_waiting_once_and_fills_the_room(
        teams in prop::collection::vec((1..6u128, 0..20i32, any::<bool>()), 0..40),
        room in 0..50usize,
    ) {
        let waiting: Vec<_> = teams
            .iter()
            .enumerate()
            .map(|(attempt, &(team, position, is_rerun))| Waiting {
                is_rerun,
                ..run(team, attempt as u128 + 1, position)
            })
            .collect();
        let chosen = turns(&waiting, nobody_runs, room);
        prop_assert_eq!(chosen.len(), room.min(waiting.len()));
        let distinct: std::collections::BTreeSet<_> = chosen.iter().collect();
        prop_assert_eq!(distinct.len(), chosen.len());
        // Made so, nothing is left to change.
        let is_chosen = |run: &&Waiting| chosen.contains(&run.case_run);
        let (released, rest): (Vec<_>, Vec<_>) = waiting.iter().partition(is_chosen);
        let again = change(&released, &rest, nobody_runs, room);
        prop_assert_eq!(again.release.len(), again.recall.len());
    }
}
