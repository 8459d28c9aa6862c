use molar_domain::rescoring::InvalidTransition;
use molar_domain::spelling::UnknownWord;
use molar_web_kit::ApiError;

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong on our side. What is wrong with a file of theirs is no error here, but a result.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("no such {0}")]
    NotFound(&'static str),

    #[error("the scores are not shown yet")]
    Hidden,

    /// The request itself is at fault, or the caller has not the right.
    #[error(transparent)]
    Request(#[from] ApiError),

    #[error(transparent)]
    Step(#[from] InvalidTransition),

    #[error("the re-scoring was changed by somebody else")]
    MovedOn,

    /// A submission was scored since everything was measured.
    #[error("the re-scoring is not complete")]
    Incomplete,

    #[error(transparent)]
    Consent(#[from] molar_service::consent::Error),

    /// What lies in the store is not what the rows say.
    #[error("the object `{0}` is not the one that was announced")]
    Changed(String),

    /// The measuring itself broke: a mistake of ours, whatever the file.
    #[error("measuring panicked")]
    Panicked(#[source] tokio::task::JoinError),

    #[error("inconsistent row")]
    Inconsistent(#[from] UnknownWord),

    #[error("an evaluation asks for what cannot be measured")]
    Parameters(#[from] molar_metrics::Error),

    #[error("a document in a row cannot be read")]
    Document(#[from] serde_json::Error),

    #[error("a file of ours could not be read")]
    File(#[from] std::io::Error),

    #[error(transparent)]
    Objects(#[from] molar_objects::Error),

    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        match error {
            Error::NotFound(what) => Self::NotFound(what),
            Error::Hidden => {
                Self::forbidden(
                    "the rules of this phase hide the scores of single submissions; where it is a final one, until the organizers publish it",
                )
            }
            Error::Request(error) => error,
            Error::Step(error) => {
                Self::conflict(format!("{error}; look at it again")).with_code("wrong-state")
            }
            Error::MovedOn => Self::conflict(
                "somebody else changed the re-scoring, or what counts, in the meantime; look at it again, and drop it if the phase is measured otherwise by now",
            )
            .with_code("moved-on"),
            Error::Incomplete => Self::conflict(
                "a submission was scored since the preview was complete; wait some seconds, look at it again, then publish",
            )
            .with_code("preview-not-complete"),
            Error::Consent(error) => error.into(),
            Error::Database(error) => error.into(),
            error @ (Error::Changed(_)
            | Error::Panicked(_)
            | Error::Inconsistent(_)
            | Error::Parameters(_)
            | Error::Document(_)
            | Error::File(_)
            | Error::Objects(_)) => Self::internal(error),
        }
    }
}
