//! What can go wrong in this role, and what a caller is told of it.

use molar_web_kit::ApiError;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Database(#[from] sqlx::Error),

    #[error("no such {0}")]
    NotFound(&'static str),

    /// A row says something that no version of this program would have written.
    #[error("inconsistent row")]
    Inconsistent(#[from] molar_domain::spelling::UnknownWord),

    #[error("the entries do not fit their metrics")]
    Ranking(#[from] molar_ranking::Error),

    /// What computes them panicked, or the process ends.
    #[error("the statistics broke off")]
    BrokenOff(#[from] tokio::task::JoinError),
}

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        match error {
            Error::Database(sqlx::Error::RowNotFound) => Self::NotFound("board"),
            Error::Database(error) => error.into(),
            Error::NotFound(what) => Self::NotFound(what),
            Error::Inconsistent(error) => Self::internal(error),
            Error::Ranking(error) => Self::internal(error),
            Error::BrokenOff(error) => Self::internal(error),
        }
    }
}
