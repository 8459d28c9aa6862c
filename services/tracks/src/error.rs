use molar_web_kit::ApiError;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("no such {0}")]
    NotFound(&'static str),

    /// The request itself is at fault, or the caller has not the right.
    #[error(transparent)]
    Request(#[from] ApiError),

    #[error(transparent)]
    Store(#[from] molar_objects::Error),

    #[error(transparent)]
    Database(#[from] sqlx::Error),

    #[error("a value that cannot be written as JSON")]
    Unwritable(#[from] serde_json::Error),
}

/// The public face.
impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        match error {
            Error::NotFound(what) => Self::NotFound(what),
            Error::Request(error) => error,
            Error::Store(error) if error.is_retryable() => Self::unavailable(error),
            Error::Store(error) => Self::internal(error),
            Error::Database(error) => error.into(),
            Error::Unwritable(error) => Self::internal(error),
        }
    }
}
