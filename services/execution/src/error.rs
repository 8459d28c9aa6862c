use molar_domain::{attempt, case_run};
use molar_web_kit::ApiError;

pub type Result<T, E = Error> = std::result::Result<T, E>;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Database(#[from] sqlx::Error),

    #[error("object store")]
    Objects(#[from] molar_objects::Error),

    /// Whoever asks does not hold the lease (any more). Nothing was changed.
    #[error("the case run is not yours")]
    Stale,

    /// A row says something that no version of this program would have written.
    #[error("inconsistent row")]
    Inconsistent(#[from] molar_domain::spelling::UnknownWord),

    #[error("inconsistent row")]
    BadJson(#[from] serde_json::Error),

    /// A number or a text in a row that is none; names the column.
    #[error("inconsistent row: {0}")]
    BadRow(&'static str),

    #[error("the rows ask for a forbidden step")]
    CaseRun(#[from] case_run::InvalidTransition),

    #[error("the rows ask for a forbidden step")]
    Attempt(#[from] attempt::InvalidTransition),
}

/// A round over many rows: one that fails is told and does not keep the others from their turn.
#[derive(Default)]
pub(crate) struct Failures(Option<Error>);

impl Failures {
    pub fn note<T>(&mut self, what: &'static str, id: uuid::Uuid, result: Result<T>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, %id, "{what}");
                self.0.get_or_insert(error);
                None
            }
        }
    }

    pub fn finish(self) -> Result<()> {
        self.0.map_or(Ok(()), Err)
    }
}

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        match error {
            Error::Stale => Self::conflict(
                "this lease is not the current one: the case run was given to another, cancelled or ended",
            )
            .with_code("stale-lease"),
            Error::Database(error) => error.into(),
            Error::Objects(error) if error.is_retryable() => Self::unavailable(error),
            Error::Objects(error) => Self::internal(error),
            Error::Inconsistent(_)
            | Error::BadJson(_)
            | Error::BadRow(_)
            | Error::CaseRun(_)
            | Error::Attempt(_) => Self::internal(error),
        }
    }
}
