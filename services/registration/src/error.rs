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

    /// Of a person who is signed in already.
    #[error("this is not your password")]
    WrongPassword,

    #[error("this link is no longer good: it was used, its time is past, or a newer one was sent")]
    LinkOver,

    /// The account cannot go while others depend on it.
    #[error("you are the last member of {team}, which has a place in a track")]
    LastMember { team: String },

    #[error("you are the only administrator")]
    LastAdmin,

    #[error("the address of this account is confirmed already")]
    ConfirmedAlready,

    #[error("this announcement is withdrawn already")]
    WithdrawnAlready,

    #[error("too many tries; wait {retry_after_s} s")]
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
    NotSigned { newest: String, challenge: String },

    #[error("version {newest} of the agreement is the newest")]
    OldAgreement { newest: String },

    /// Said of everything that a captain alone does.
    #[error("only the team's captain {0}")]
    NotCaptain(&'static str),

    #[error("you are the team's captain")]
    CaptainLeaves,

    #[error("you are the last member of a team that has submitted")]
    LastOfActiveTeam,

    #[error("the team has submitted already, and its name is on what it did")]
    NameIsFixed,

    /// A phase holds the members as they are.
    #[error("the members of this team cannot change since {phase} opened on {since}")]
    TeamLocked {
        phase: String,
        since: String,
        challenge: String,
    },

    #[error("you have asked {asked} questions within a day")]
    TooManyQuestions { asked: i64, retry_after_s: u64 },

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
            Error::WrongPassword => Self::invalid("/password", text).with_code("wrong-password"),
            Error::LinkOver => {
                Self::gone(text + "; ask for another at /account, or at /account/reset")
                    .with_code("link-over")
            }
            Error::LastMember { team: _ } => Self::conflict(
                text + "; invite somebody who takes over, or withdraw the place, at /teams",
            )
            .with_code("last-member"),
            Error::LastAdmin => Self::conflict(
                text + "; make another one first, on the database's host: `molar admin create`",
            )
            .with_code("last-admin"),
            Error::ConfirmedAlready => Self::conflict(text).with_code("confirmed-already"),
            Error::WithdrawnAlready => Self::conflict(text).with_code("withdrawn-already"),
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
            Error::NotSigned {
                newest: _,
                ref challenge,
            } => {
                let how = format!(
                    "; read and sign it first, at /join/{challenge} or by `molar team sign`"
                );
                Self::conflict(text + &how).with_code("agreement-not-signed")
            }
            Error::OldAgreement { newest: _ } => {
                Self::conflict(text + "; read and sign that one").with_code("agreement-outdated")
            }
            Error::NotCaptain(_) => Self::forbidden(text).with_code("not-captain"),
            Error::CaptainLeaves => {
                let how = "; hand the team over to another member first, on its page or by `molar team hand-over`";
                Self::conflict(text + how).with_code("captain-leaves")
            }
            Error::LastOfActiveTeam => {
                let how =
                    "; it cannot be left empty: withdraw it from its tracks, or ask the organizers";
                Self::conflict(text + how).with_code("last-member")
            }
            Error::NameIsFixed => Self::conflict(text + "; ask the organizers if it must change")
                .with_code("name-is-fixed"),
            Error::TeamLocked {
                phase: _,
                since: _,
                ref challenge,
            } => {
                let ask = format!(
                    "; the organizers can allow a change: ask them at /questions/new?challenge={challenge}"
                );
                Self::conflict(text + &ask).with_code("team-locked")
            }
            Error::TooManyQuestions {
                asked: _,
                retry_after_s,
            } => Self::QuotaExceeded {
                detail: text + "; wait for answers, or write all of it in one",
                retry_after_s: Some(retry_after_s),
            }
            .with_code("too-many-questions"),
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
