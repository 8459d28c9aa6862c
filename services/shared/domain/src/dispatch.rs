//! Fair dispatch: whose case run is released, and whose is claimed, next.
//!
//! The team with the fewest case runs running goes first; among equals the one that was served longest ago
//! (never served before all others); then the one that has waited longest. A team that hands in a hundred
//! containers so gets no more of the machines than one that handed in one, and starts at most one more case
//! before a team that comes after it starts its first.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::ids::{CaseRunId, TeamId};

/// A case run that has not begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waiting {
    pub case_run: CaseRunId,
    pub team: TeamId,
    /// Only a slot with a GPU can take it.
    pub needs_gpu: bool,
    /// Of an organizer's re-run: behind all that participants handed in.
    pub is_rerun: bool,
    /// Order within the team, before everything else; smaller goes first.
    pub preference: u8,
    /// Order within the team: by attempt, then by position; smaller goes first.
    pub order: (Uuid, i32),
}

/// How a team stands now.
#[derive(Debug, Clone, Copy, Default)]
pub struct Share {
    pub running: u32,
    /// When one of its case runs was last claimed.
    pub last_served_at: Option<DateTime<Utc>>,
}

/// How many case runs may be released at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    pub all: usize,
    /// Of them, for those that need a GPU.
    pub gpus: usize,
}

/// Where every slot can take every case run.
impl From<usize> for Room {
    fn from(all: usize) -> Self {
        Self { all, gpus: all }
    }
}

/// What makes the released case runs those whose turn it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Change {
    pub release: Vec<CaseRunId>,
    /// Released before somebody came whose turn is earlier.
    pub recall: Vec<CaseRunId>,
}

/// Chooses what is to be released, up to `room` in all. A team keeps what it has released before it gets
/// another of its own.
pub fn change(
    released: &[Waiting],
    waiting: &[Waiting],
    share: impl Fn(TeamId) -> Share,
    room: impl Into<Room>,
) -> Change {
    let preferring = |preference| move |run: &Waiting| Waiting { preference, ..*run };
    let first = released.iter().map(preferring(0));
    let all: Vec<_> = first.chain(waiting.iter().map(preferring(1))).collect();
    let chosen = turns(&all, share, room);
    let is_released = |id: &CaseRunId| released.iter().any(|run| run.case_run == *id);
    let given_up = released.iter().map(|run| run.case_run);
    Change {
        recall: given_up.filter(|id| !chosen.contains(id)).collect(),
        release: chosen.into_iter().filter(|id| !is_released(id)).collect(),
    }
}

/// Up to `room` case runs in the order of their turns.
///
/// `waiting` is in any order. Every turn counts towards the share of its team before the next is chosen. Once
/// there is no room for a GPU's case run, a team's turn is that of its next without one.
pub fn turns(
    waiting: &[Waiting],
    share: impl Fn(TeamId) -> Share,
    room: impl Into<Room>,
) -> Vec<CaseRunId> {
    let mut room: Room = room.into();
    let mut sorted = waiting.to_vec();
    sorted.sort_by_key(|run| (run.is_rerun, run.preference, run.order));
    let mut teams = BTreeMap::<TeamId, VecDeque<Waiting>>::new();
    for run in sorted {
        teams.entry(run.team).or_default().push_back(run);
    }
    let turn = |team: TeamId, queue: &VecDeque<Waiting>, share: Share, round| {
        let first = queue.front()?;
        let served = (round, share.last_served_at);
        Some(Reverse((
            first.is_rerun,
            share.running,
            served,
            first.order,
            team,
        )))
    };
    let mut shares: BTreeMap<_, _> = teams.keys().map(|&team| (team, share(team))).collect();
    let mut next: BinaryHeap<_> = teams
        .iter()
        .filter_map(|(&team, queue)| turn(team, queue, shares[&team], None))
        .collect();
    let mut chosen = Vec::new();
    while chosen.len() < room.all
        && let Some(Reverse((.., (round, _), _, team))) = next.pop()
    {
        if let (Some(queue), Some(share)) = (teams.get_mut(&team), shares.get_mut(&team)) {
            if room.gpus == 0 && queue.front().is_some_and(|run| run.needs_gpu) {
                queue.retain(|run| !run.needs_gpu);
                next.extend(turn(team, queue, *share, round));
                continue;
            }
            if let Some(run) = queue.pop_front() {
                room.gpus -= usize::from(run.needs_gpu);
                chosen.push(run.case_run);
            }
            share.running += 1;
            next.extend(turn(team, queue, *share, Some(chosen.len())));
        }
    }
    chosen
}

#[cfg(test)]
mod tests;
