//! Who sees scores: organizers and reviewers always, a team once its phase shows them.

use molar_domain::board::BoardRules;
use molar_domain::{ChallengeId, TeamId};
use molar_web_kit::Caller;

use crate::error::{Error, Result};

/// Whose scores are asked for.
pub struct Subject {
    pub challenge: ChallengeId,
    pub team: TeamId,
    pub is_final: bool,
    pub is_published: bool,
    /// Its phase waits for another to be published, on whose hidden cases it may be.
    pub is_held: bool,
    pub board: BoardRules,
}

impl Subject {
    /// `what` there is none of, for those who may not know of it.
    pub fn require_reader(&self, caller: &Caller, what: &'static str) -> Result<()> {
        if caller.may_review(self.challenge) {
            Ok(())
        } else if !caller.is_member(self.team) {
            Err(Error::NotFound(what))
        } else if !self.is_held && self.board.shows_own(self.is_final, self.is_published) {
            Ok(())
        } else {
            Err(Error::Hidden)
        }
    }
}
