//! Whose submission it is. To others it does not exist.

use molar_domain::{ChallengeId, TeamId};
use molar_web_kit::{ApiError, Caller};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::rows::life::{self, Life};
use crate::rows::phases::{self, Phase};
use crate::rows::submissions;

/// A submission that the caller may see.
pub struct Seen {
    pub life: Life,
    pub phase: Phase,
    pub is_member: bool,
    /// Or reviewer: sees what teams do not see yet.
    pub is_reviewer: bool,
    pub is_organizer: bool,
}

pub async fn see(conn: &mut PgConnection, caller: &Caller, id: Uuid) -> Result<Seen, ApiError> {
    let none = || ApiError::NotFound("submission");
    let life = life::find(&mut *conn, id).await?.ok_or_else(none)?;
    let phase = phases::find(&mut *conn, life.phase_id).await?;
    let challenge = ChallengeId(phase.challenge_id);
    let seen = Seen {
        is_member: caller.is_member(TeamId(life.team_id)),
        is_reviewer: caller.may_review(challenge),
        is_organizer: caller.is_organizer(challenge),
        life,
        phase,
    };
    if seen.is_member || seen.is_reviewer {
        Ok(seen)
    } else {
        Err(none())
    }
}

/// For what only its team does, with fewer questions to the database than [`see`].
pub async fn see_own(conn: &mut PgConnection, caller: &Caller, id: Uuid) -> Result<(), ApiError> {
    let team = submissions::team_of(&mut *conn, id).await?;
    if team.is_some_and(|team| caller.is_member(TeamId(team))) {
        return Ok(());
    }
    // Who sees it otherwise is told that it is not theirs; to all others it does not exist.
    see(conn, caller, id).await?.require_member()
}

impl Seen {
    /// Uploading and choosing are the team's own.
    pub fn require_member(&self) -> Result<(), ApiError> {
        self.is_member
            .then_some(())
            .ok_or_else(|| ApiError::forbidden("only members of its team may do this"))
    }

    /// What is about ranks is not for trials.
    pub fn require_no_trial(&self) -> Result<(), ApiError> {
        match self.life.is_trial {
            true => Err(ApiError::conflict("a trial takes no part in the ranks")),
            false => Ok(()),
        }
    }

    pub fn require_member_or_organizer(&self) -> Result<(), ApiError> {
        if self.is_member || self.is_organizer {
            Ok(())
        } else {
            Err(ApiError::forbidden(
                "only members of its team and organizers may do this",
            ))
        }
    }
}
