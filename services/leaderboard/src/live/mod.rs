//! Boards that are followed: `look` finds what has changed for whom, `events` tells it.
//!
//! What moves a number is the board as JSON, as the caller sees it: what a mode hides is not in it, and so neither the
//! number nor the time of an event can tell it.

pub mod events;
pub mod look;

use std::collections::BTreeSet;

use molar_domain::phase::Visibility;
use molar_domain::{PhaseId, TeamId};
use molar_web_kit::live::{self, HIDDEN, Live};
use molar_web_kit::{Caller, Kit};

use crate::boards::Board;
use crate::rows::phases::Phase;

/// In one process.
pub type Boards = Live<Seen>;

/// A board and as whom it is seen: all of one kind see the same of it, so it is looked at once for all of them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Seen {
    pub phase: PhaseId,
    pub by: Eyes,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Eyes {
    Public,
    /// Organizers and reviewers.
    Reviewer,
    /// Members of teams, of a board that is for those of its track.
    Teams(BTreeSet<TeamId>),
}

impl Seen {
    pub fn of(phase: &Phase, caller: Option<&Caller>) -> Self {
        let by = match caller {
            Some(caller) if caller.may_review(phase.challenge_id) => Eyes::Reviewer,
            Some(caller)
                if phase.visibility == Visibility::Participants && !caller.teams.is_empty() =>
            {
                Eyes::Teams(caller.teams.iter().copied().collect())
            }
            _ => Eyes::Public,
        };
        Self {
            phase: phase.id,
            by,
        }
    }
}

/// Stands for all that this caller sees of the board as it is now.
pub fn number(kit: &Kit, board: &Board) -> u64 {
    if board.hidden.is_some() {
        return HIDDEN;
    }
    // A board is text and numbers.
    let seen = serde_json::to_vec(&board.common()).unwrap_or_default();
    live::number(kit, &seen)
}
