//! What can keep a request of this role from being fulfilled.

use molar_web_kit::ApiError;

use crate::participations::InvalidStep;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the address has an account already")]
    EmailTaken,

    /// Does not say which of the two.
    #[error("the address or the password is not right")]
    WrongCredentials,

    #[error("too many attempts to sign in; wait {retry_after_s} s")]
    TooManyAttempts { retry_after_s: u64 },

    #[error("the challenge has a team of this name already")]
    TeamNameTaken,

    #[error("the team is full: it may have {max} members")]
    TeamFull { max: i16 },

    /// One team per person and track. `who` comes with its verb: "Ada is".
    #[error("{who} in another team of this track")]
    InAnotherTeam { who: String },

    #[error("the invitation is no longer good: {0}")]
    InvitationOver(&'static str),

    #[error("version {newest} of the agreement is not signed")]
    NotSigned { newest: String },

    #[error("version {newest} of the agreement is the newest")]
    OldAgreement { newest: String },

    #[error("you cannot leave a team that has a place in a track")]
    HasPlace,

    #[error(transparent)]
    Step(#[from] InvalidStep),

    #[error(transparent)]
    Consent(#[from] molar_service::consent::Error),

    #[error("no such {0}")]
    NotFound(&'static str),

    #[error("row that no version of this program would have written")]
    Inconsistent(#[from] molar_domain::spelling::UnknownWord),

    /// The request itself is at fault, or the caller has not the right.
    #[error(transparent)]
    Request(#[from] ApiError),

    #[error("password hashing: {0}")]
    Hashing(String),

    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// The public face: which status, and the `code` that programs may rely on.
impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        let text = error.to_string();
        match error {
            Error::EmailTaken => {
                Self::conflict(text + "; sign in instead").with_code("email-taken")
            }
            Error::WrongCredentials => Self::invalid("", text).with_code("wrong-credentials"),
            Error::TooManyAttempts { retry_after_s } => Self::QuotaExceeded {
                detail: text,
                retry_after_s: Some(retry_after_s),
            }
            .with_code("too-many-attempts"),
            Error::TeamNameTaken => Self::conflict(text).with_code("team-name-taken"),
            Error::TeamFull { max: _ } => Self::conflict(text).with_code("team-full"),
            Error::InAnotherTeam { who: _ } => {
                Self::conflict(text + "; a person takes part in a track with one team")
                    .with_code("in-another-team")
            }
            Error::InvitationOver(_) => {
                Self::gone(text + "; ask the team for a new one").with_code("invitation-over")
            }
            Error::NotSigned { newest: _ } => {
                Self::conflict(text + "; read and sign it first, at /join or by `molar team sign`")
                    .with_code("agreement-not-signed")
            }
            Error::OldAgreement { newest: _ } => {
                Self::conflict(text + "; read and sign that one").with_code("agreement-outdated")
            }
            Error::HasPlace => Self::conflict(
                text + "; its captain may withdraw it, or an organizer may refuse it",
            )
            .with_code("has-place"),
            Error::Step(_) => Self::conflict(text).with_code("invalid-transition"),
            Error::Consent(error) => error.into(),
            Error::NotFound(what) => Self::NotFound(what),
            Error::Request(error) => error,
            Error::Database(error) => error.into(),
            error @ (Error::Inconsistent(_) | Error::Hashing(_)) => Self::internal(error),
        }
    }
}

/// Whether a statement failed on this constraint.
pub fn violates(error: &sqlx::Error, constraint: &str) -> bool {
    error
        .as_database_error()
        .is_some_and(|error| error.constraint() == Some(constraint))
}
