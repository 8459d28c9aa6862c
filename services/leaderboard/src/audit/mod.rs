//! The audit log for those who may read it: organizers that of their challenge, administrators the whole.

pub mod export;
pub mod list;
pub mod page;
pub mod rows;
#[cfg(test)]
mod tests;
pub mod verify;

use molar_domain::ChallengeId;
use molar_web_kit::{ApiError, Caller};

/// Of which challenge the caller reads; none is the whole log. Who organizes one challenge need not name it.
fn scope(caller: &Caller, named: Option<ChallengeId>) -> Result<Option<ChallengeId>, ApiError> {
    match (named, caller.organizer_of.as_slice()) {
        (Some(challenge), _) => caller.require_organizer(challenge).map(|()| named),
        (None, _) if caller.is_admin => Ok(None),
        (None, [only]) => Ok(Some(*only)),
        (None, _) => Err(ApiError::BadRequest(
            "query: say which challenge, as challenge_id; the whole log is for administrators"
                .into(),
        )),
    }
}
