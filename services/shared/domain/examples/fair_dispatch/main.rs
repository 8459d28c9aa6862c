//! 220 teams at a deadline, under fair dispatch and first come, first served: `make bench`.
//!
//! Four slots, 40 cases of 10 to 60 s a container. Every team hands one in within two hours; five of them hand
//! in twenty each at the very beginning.

mod simulation;

use std::collections::BTreeMap;

use simulation::{Arrival, Policy, Start, simulate};

const TEAMS: u32 = 220;
const GREEDY: u32 = 5;
const SLOTS: usize = 4;
const CASES: i32 = 40;

fn main() {
    let arrivals = arrivals();
    let runs: i32 = arrivals.iter().map(|arrival| arrival.cases).sum();
    println!(
        "{TEAMS} teams, {} containers, {runs} case runs, {SLOTS} slots; {GREEDY} teams hand in 20 containers at once",
        arrivals.len()
    );
    println!();
    println!(
        "| policy | whose | wait for the first case: median | p95 | max | share of the machine, first two hours |"
    );
    println!("|---|---|---|---|---|---|");
    for policy in [Policy::FirstCome, Policy::Fair] {
        let started = simulate(policy, &arrivals, SLOTS);
        assert_eq!(started.len(), runs as usize, "every case runs once");
        for (whose, is_it) in [("greedy", true), ("others", false)] {
            let is_of = |team: u128| (team < u128::from(GREEDY)) == is_it;
            let waits = waits(&arrivals, &started, is_of);
            let at = |share: f64| waits[((waits.len() - 1) as f64 * share) as usize];
            let teams = if is_it { GREEDY } else { TEAMS - GREEDY };
            println!(
                "| {policy:?} | {teams} {whose} | {} | {} | {} | {:.2} % a team |",
                time(at(0.5)),
                time(at(0.95)),
                time(at(1.0)),
                share(&started, is_of) * 100.0 / f64::from(teams)
            );
        }
    }
}

/// The same each time, spread without a pattern.
fn arrivals() -> Vec<Arrival> {
    let spread = |n: u32, over: u32| n.wrapping_mul(2_654_435_761) % over;
    let one = |team: u32, at: u32| Arrival {
        at,
        team: team.into(),
        cases: CASES,
        length: 10 + spread(team, 51),
    };
    let greedy = (0..GREEDY).flat_map(|team| (0..20).map(move |_| one(team, 0)));
    let others = (GREEDY..TEAMS).map(|team| one(team, 1 + spread(team, 7200)));
    let mut all: Vec<_> = greedy.chain(others).collect();
    all.sort_by_key(|arrival| arrival.at);
    all
}

/// Of each team, from its first container to its first case, in order.
fn waits(arrivals: &[Arrival], started: &[Start], is_of: impl Fn(u128) -> bool) -> Vec<u32> {
    let mut came = BTreeMap::new();
    for arrival in arrivals.iter().filter(|arrival| is_of(arrival.team)) {
        came.entry(arrival.team).or_insert(arrival.at);
    }
    let first = |team: u128| started.iter().find(|start| start.team == team);
    let waits = came
        .into_iter()
        .filter_map(|(team, at)| Some(first(team)?.at - at));
    let mut waits: Vec<_> = waits.collect();
    waits.sort_unstable();
    waits
}

/// Of the time that cases ran which began in the first two hours.
fn share(started: &[Start], is_of: impl Fn(u128) -> bool) -> f64 {
    let early = || started.iter().filter(|start| start.at < 7200);
    // Not `sum`, which is -0 of nothing.
    let sum = |starts: &mut dyn Iterator<Item = &Start>| {
        starts.fold(0.0, |sum, start| sum + f64::from(start.length))
    };
    sum(&mut early().filter(|start| is_of(start.team))) / sum(&mut early())
}

fn time(seconds: u32) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        _ => format!("{} min", seconds / 60),
    }
}
