//! What the process tests stand on: a whole Molar as processes, people who use it, and the truth to
//! hold its boards against.
//!
//! Everything here sees the platform from outside: HTTP, rows of the database, messages, processes.

pub mod api;
pub mod axe;
pub mod browser;
pub mod challenge;
pub mod engine;
pub mod hostile;
pub mod image;
pub mod mounts;
pub mod people;
pub mod predictions;
pub mod processes;
pub mod proxy;
pub mod rows;
pub mod scenario;
pub mod skip;
pub mod submit;
pub mod system;
pub mod twice;
pub mod worker;

use std::time::{Duration, Instant};

/// Asks again until there is an answer; the error says what was waited for.
pub async fn until<T>(
    what: &str,
    patience: Duration,
    mut ask: impl AsyncFnMut() -> anyhow::Result<Option<T>>,
) -> anyhow::Result<T> {
    let begun = Instant::now();
    loop {
        let answer = ask().await;
        match answer {
            Ok(Some(answer)) => return Ok(answer),
            // Whoever was just killed may not answer for a while.
            Ok(None) => {}
            Err(error) if begun.elapsed() >= patience => {
                return Err(error.context(format!("waited in vain for {what}")));
            }
            Err(_) => {}
        }
        anyhow::ensure!(
            begun.elapsed() < patience,
            "waited in vain for {what} ({} s)",
            patience.as_secs()
        );
        tokio::time::sleep(Duration::from_millis(150)).await;
    }
}
