pub type Result<T, E = Error> = std::result::Result<T, E>;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The broker has no queue for this message. It was not kept.
    #[error("no queue takes {routing_key}")]
    Unroutable { routing_key: String },

    #[error("no such queue")]
    NoSuchQueue,

    /// No connection, or no answer in time. The message may or may not have been kept.
    #[error("the broker is not available: {0}")]
    Unavailable(&'static str),

    #[error("the broker's URL is not one: {0}")]
    Url(String),

    #[error("the broker refused or went away")]
    Broker(#[from] lapin::Error),
}

impl Error {
    /// Whether the fault is with this message and its route, and others may go through.
    pub fn is_unroutable(&self) -> bool {
        matches!(self, Self::Unroutable { .. })
    }
}
