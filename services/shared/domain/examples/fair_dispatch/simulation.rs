//! A machine with some slots, teams that hand in, and a policy that says whose case is next.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use molar_domain::dispatch::{Share, Waiting, change, turns};
use molar_domain::{CaseRunId, TeamId};
use uuid::Uuid;

/// A team hands in a container of so many cases at some second.
#[derive(Debug, Clone)]
pub struct Arrival {
    pub at: u32,
    pub team: u128,
    pub cases: i32,
    /// Seconds that each of its cases runs.
    pub length: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    Fair,
    /// What came first runs first, as elsewhere.
    FirstCome,
}

/// A case that was begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Start {
    pub at: u32,
    pub team: u128,
    pub length: u32,
}

/// What is started when, by whom, to the last case.
pub fn simulate(policy: Policy, arrivals: &[Arrival], slots: usize) -> Vec<Start> {
    let (mut released, mut waiting) = (Vec::<Waiting>::new(), Vec::<Waiting>::new());
    let mut shares = BTreeMap::<TeamId, Share>::new();
    let (mut running, mut started) = (Vec::<(u32, TeamId)>::new(), Vec::new());
    let mut moments: Vec<_> = arrivals.iter().map(|arrival| arrival.at).collect();
    while let Some(now) = moments.iter().copied().min() {
        moments.retain(|&at| at != now);
        for (attempt, arrival) in arrivals.iter().enumerate().filter(|(_, a)| a.at == now) {
            waiting.extend((0..arrival.cases).map(|position| run(arrival.team, attempt, position)));
        }
        for (_, team) in running.extract_if(.., |(end, _)| *end <= now) {
            shares.entry(team).or_default().running -= 1;
        }
        while running.len() < slots {
            let share = |team: TeamId| shares.get(&team).copied().unwrap_or_default();
            if policy == Policy::Fair {
                let change = change(&released, &waiting, share, 2 * slots);
                let is_in = |ids: &[CaseRunId], run: &Waiting| ids.contains(&run.case_run);
                let recalled: Vec<_> = released
                    .extract_if(.., |run| is_in(&change.recall, run))
                    .collect();
                released.extend(waiting.extract_if(.., |run| is_in(&change.release, run)));
                waiting.extend(recalled);
            } else {
                released.append(&mut waiting);
            }
            let next = match policy {
                Policy::Fair => turns(&released, share, 1).first().copied(),
                Policy::FirstCome => {
                    let first = released.iter().min_by_key(|run| run.order);
                    first.map(|run| run.case_run)
                }
            };
            let place = released.iter().position(|run| Some(run.case_run) == next);
            let Some(place) = place else { break };
            let run = released.swap_remove(place);
            let share = shares.entry(run.team).or_default();
            share.running += 1;
            share.last_served_at = Some(moment(now, started.len()));
            let length = arrivals[run.order.0.as_u128() as usize].length;
            running.push((now + length, run.team));
            moments.push(now + length);
            started.push(Start {
                at: now,
                team: run.team.0.as_u128(),
                length,
            });
        }
    }
    started
}

/// What is started later within a second is later.
fn moment(second: u32, order: usize) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::seconds(second.into()) + TimeDelta::microseconds(order as i64)
}

fn run(team: u128, attempt: usize, position: i32) -> Waiting {
    let attempt = attempt as u128;
    Waiting {
        case_run: CaseRunId(Uuid::from_u128(attempt << 32 | position as u128)),
        team: TeamId(Uuid::from_u128(team)),
        needs_gpu: false,
        is_rerun: false,
        preference: 0,
        order: (Uuid::from_u128(attempt), position),
    }
}
