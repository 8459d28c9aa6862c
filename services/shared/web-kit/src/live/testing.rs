//! For tests of roles: what a stream says.

use std::future::poll_fn;
use std::pin::Pin;
use std::time::Duration;

use actix_web::body::{BoxBody, MessageBody as _};

/// Its answer to a notification takes a few questions to the database.
const SILENCE: Duration = Duration::from_millis(400);

/// The next event; none at the end.
pub async fn next(events: &mut BoxBody) -> Option<String> {
    let chunk = poll_fn(|context| Pin::new(&mut *events).poll_next(context)).await?;
    let chunk = chunk.expect("a stream does not fail");
    Some(String::from_utf8_lossy(&chunk).into_owned())
}

/// Whether nothing is said for a while.
pub async fn is_silent(events: &mut BoxBody) -> bool {
    tokio::time::timeout(SILENCE, next(events)).await.is_err()
}
