use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};

type Source = Box<dyn std::error::Error + Send + Sync>;

pub type Result<T, E = Error> = std::result::Result<T, E>;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No such object, upload or bucket.
    #[error("no such object")]
    NotFound,

    #[error("the object has more than {limit} bytes")]
    TooLarge { limit: u64 },

    /// Our key has no right to this, or is unknown.
    #[error("the object store refuses this to our key")]
    Denied,

    /// The parts named to complete an upload are not those that arrived, or too small.
    #[error("the parts do not make an object: {0}")]
    InvalidParts(String),

    /// The store did not answer, or said that it cannot at the moment. Worth another try.
    #[error("the object store is not available")]
    Unavailable(#[source] Source),

    #[error("the object store answered with an error")]
    Other(#[source] Source),
}

impl Error {
    pub(crate) fn other(source: impl Into<Source>) -> Self {
        Self::Other(source.into())
    }

    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }
}

/// Reading a body breaks when the connection does.
impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        Self::Unavailable(error.into())
    }
}

impl<E> From<SdkError<E, HttpResponse>> for Error
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    fn from(error: SdkError<E, HttpResponse>) -> Self {
        let Some(response) = error.raw_response() else {
            return match error {
                SdkError::ConstructionFailure(_) => Self::Other(error.into()),
                _ => Self::Unavailable(error.into()),
            };
        };
        // A HEAD has no body, so that the status is all there is to go by.
        match (response.status().as_u16(), error.code()) {
            (_, Some("InvalidPart" | "InvalidPartOrder" | "EntityTooSmall")) => {
                Self::InvalidParts(error.message().unwrap_or("no reason given").to_owned())
            }
            (404, _) => Self::NotFound,
            (401 | 403, _) => Self::Denied,
            (408 | 429 | 500.., _) => Self::Unavailable(error.into()),
            _ => Self::Other(error.into()),
        }
    }
}
