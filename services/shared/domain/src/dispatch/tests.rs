use std::collections::BTreeMap;

use chrono::TimeDelta;
use proptest::prelude::*;

use super::*;

fn run(team: u128, attempt: u128, position: i32) -> Waiting {
    Waiting {
        case_run: CaseRunId(Uuid::from_u128(attempt * 1000 + position as u128)),
        team: TeamId(Uuid::from_u128(team)),
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

/// A team hands in so many cases at once, at some moment.
#[derive(Debug, Clone)]
struct Arrival {
    at: u32,
    team: u128,
    cases: i32,
}

/// What was started when, by whom: one machine of so many slots, each case as long as its list says.
fn simulate(arrivals: &[Arrival], slots: usize, lengths: &[u32]) -> Vec<(u32, u128)> {
    let (mut released, mut waiting) = (Vec::new(), Vec::<Waiting>::new());
    let mut shares = BTreeMap::<TeamId, Share>::new();
    let (mut running, mut started) = (Vec::<(u32, TeamId)>::new(), Vec::new());
    let mut lengths = lengths.iter().cycle();
    let moments = || 0..10_000;
    for now in moments() {
        for (attempt, arrival) in arrivals.iter().enumerate().filter(|(_, a)| a.at == now) {
            let attempt = attempt as u128 + 1;
            waiting.extend((0..arrival.cases).map(|i| run(arrival.team, attempt, i)));
        }
        for (_, team) in running.extract_if(.., |(end, _)| *end <= now) {
            shares.entry(team).or_default().running -= 1;
        }
        loop {
            let share = |team: TeamId| shares.get(&team).copied().unwrap_or_default();
            let change = change(&released, &waiting, share, 2 * slots);
            let recalled = released.extract_if(.., |run: &mut Waiting| {
                change.recall.contains(&run.case_run)
            });
            let recalled: Vec<_> = recalled.collect();
            released.extend(waiting.extract_if(.., |run| change.release.contains(&run.case_run)));
            waiting.extend(recalled);
            if running.len() == slots {
                break;
            }
            let Some(&next) = turns(&released, share, 1).first() else {
                break;
            };
            let at = released
                .iter()
                .position(|run| run.case_run == next)
                .unwrap();
            let team = released.swap_remove(at).team;
            let share = shares.entry(team).or_default();
            share.running += 1;
            // Later within a moment is later.
            let moment = i64::from(now) * 1000 + started.len() as i64;
            share.last_served_at = Some(noon() + TimeDelta::milliseconds(moment));
            running.push((now + lengths.next().unwrap(), team));
            started.push((now, team.0.as_u128()));
        }
        if arrivals.iter().all(|a| a.at <= now) && waiting.is_empty() && released.is_empty() {
            break;
        }
    }
    started
}

proptest! {
    /// The promise to whoever hands in while others have a hundred containers in line.
    #[test]
    fn no_team_starts_more_than_one_case_before_a_newcomers_first(
        arrivals in prop::collection::vec((0..40u32, 1..6u128, 1..30i32), 1..12),
        slots in 1..4usize,
        lengths in prop::collection::vec(1..9u32, 1..5),
    ) {
        let arrivals: Vec<_> = arrivals
            .into_iter()
            .map(|(at, team, cases)| Arrival { at, team, cases })
            .collect();
        let started = simulate(&arrivals, slots, &lengths);
        let cases: i32 = arrivals.iter().map(|a| a.cases).sum();
        prop_assert_eq!(started.len() as i32, cases, "nothing is left");
        for team in 1..6 {
            let Some(came) = arrivals.iter().filter(|a| a.team == team).map(|a| a.at).min() else {
                continue;
            };
            let first = started.iter().position(|(_, other)| *other == team).unwrap();
            // Those of the moment of its coming that were started before it are among them.
            let before = started[..first].iter().filter(|(at, _)| *at >= came);
            let mut by_team = BTreeMap::<u128, u32>::new();
            for (_, other) in before {
                *by_team.entry(*other).or_default() += 1;
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
