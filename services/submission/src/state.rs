//! What the handlers need beside the kit.

use std::future::Future;
use std::time::Duration;

use molar_objects::{Error, Store};
use molar_web_kit::ApiError;

/// A handler may hold a row's lock while it asks the store.
const PATIENCE: Duration = Duration::from_secs(15);

#[derive(Clone)]
pub struct State {
    pub store: Store,
    /// How long a signed part can be put; a new one is asked for when it ran out on a slow line.
    pub part_url_life: Duration,
}

/// What the store answers in time.
pub async fn ask<T>(question: impl Future<Output = Result<T, Error>>) -> Result<T, ApiError> {
    match tokio::time::timeout(PATIENCE, question).await {
        Ok(answer) => answer.map_err(store_error),
        Err(elapsed) => Err(ApiError::unavailable(elapsed)),
    }
}

/// What is not said here is our own doing and no business of the caller's.
pub fn store_error(error: Error) -> ApiError {
    match error {
        Error::Unavailable(_) => ApiError::unavailable(error),
        Error::NotFound => ApiError::gone("the upload is no longer there; submit the file again"),
        Error::InvalidParts(reason) => ApiError::invalid(
            "/parts",
            format!("the store cannot make the file of these parts: {reason}"),
        ),
        Error::TooLarge { .. } | Error::Denied | Error::Other(_) => ApiError::internal(error),
    }
}
