//! What can go wrong in this role, and what a caller is told of it.

use molar_web_kit::ApiError;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Database(#[from] sqlx::Error),

    #[error("no such {0}")]
    NotFound(&'static str),

    #[error("no ranking had been made by then")]
    NothingStood,

    /// A row says something that no version of this program would have written.
    #[error("inconsistent row")]
    Inconsistent(#[from] molar_domain::spelling::UnknownWord),

    #[error("the entries do not fit their metrics")]
    Ranking(#[from] molar_ranking::Error),

    /// Of a phase that cannot be archived, or not yet: why.
    #[error("no archive: {0}")]
    NotArchived(&'static str),

    /// What writes an archive had no room, or the like.
    #[error("no archive could be written")]
    Write(#[from] std::io::Error),

    /// What computes them panicked, or the process ends.
    #[error("the statistics broke off")]
    BrokenOff(#[from] tokio::task::JoinError),
}

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        match error {
            Error::Database(sqlx::Error::RowNotFound) => Self::NotFound("board"),
            Error::Database(error) => error.into(),
            Error::NothingStood => Self::NotFound(
                "board at that moment: no ranking of this phase had been made by then",
            ),
            Error::NotFound(what) => Self::NotFound(what),
            Error::Inconsistent(error) => Self::internal(error),
            Error::Ranking(error) => Self::internal(error),
            Error::NotArchived(why) => Self::conflict(why),
            Error::Write(error) => Self::internal(error),
            Error::BrokenOff(error) => Self::internal(error),
        }
    }
}
