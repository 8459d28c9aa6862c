//! Getting the image onto the engine, once however many slots want it.

use std::collections::VecDeque;
use std::sync::{MutexGuard, PoisonError};

use molar_domain::worker_api::{Grant, Leased};
use molar_sandbox::Engine;
use tokio::sync::Mutex;

use crate::api::Api;
use crate::fetch;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("image not loaded: {0}")]
    Sandbox(#[from] molar_sandbox::Error),

    #[error("image not fetched: {0}")]
    Fetch(#[from] fetch::Error),

    #[error(transparent)]
    Api(#[from] crate::api::Error),
}

/// How many images that it loaded a worker keeps. Each may have many gigabytes, and a disk that is full
/// of old ones would fail every new one.
const KEPT: usize = 12;

/// One load at a time: two at once would each need the disk and the network for themselves.
#[derive(Default)]
pub struct Loader {
    turn: Mutex<()>,
    used: std::sync::Mutex<Used>,
}

/// Digests of the images that were loaded here, the one used last at the end.
#[derive(Debug, Default)]
struct Used(VecDeque<String>);

impl Used {
    fn add(&mut self, digest: &str) {
        self.0.retain(|other| other != digest);
        self.0.push_back(digest.to_owned());
    }

    /// Moves one that is known to the end; what others loaded is not ours to remove.
    fn touch(&mut self, digest: &str) {
        if self.0.iter().any(|other| other == digest) {
            self.add(digest);
        }
    }

    fn take_surplus(&mut self) -> Option<String> {
        (self.0.len() > KEPT).then(|| self.0.pop_front()).flatten()
    }
}

impl Loader {
    pub async fn ensure(&self, engine: &Engine, api: &Api, grant: &Grant) -> Result<(), Error> {
        if engine.has_image(&grant.image_digest).await? {
            self.used().touch(&grant.image_digest);
            return Ok(());
        }
        let _turn = self.turn.lock().await;
        if engine.has_image(&grant.image_digest).await? {
            return Ok(());
        }
        let started = std::time::Instant::now();
        // The URL may have run out while another image was loaded.
        let urls = api
            .urls(
                grant.case_run_id,
                Leased {
                    lease_token: grant.lease_token,
                },
            )
            .await?;
        let body = fetch::reader(fetch::open(api.http(), &urls.archive).await?);
        engine.load(body, &grant.image_digest).await?;
        tracing::info!(
            image = grant.image_digest,
            seconds = started.elapsed().as_secs(),
            "image loaded"
        );
        self.used().add(&grant.image_digest);
        self.remove_surplus(engine).await;
        Ok(())
    }

    async fn remove_surplus(&self, engine: &Engine) {
        loop {
            let Some(digest) = self.used().take_surplus() else {
                return;
            };
            match engine.remove_image(&digest).await {
                Ok(true) => tracing::info!(image = digest, "image removed"),
                Ok(false) => {
                    // A container runs from it: its turn comes again.
                    self.used().add(&digest);
                    return;
                }
                Err(error) => {
                    tracing::warn!(%error, image = digest, "image not removed");
                    return;
                }
            }
        }
    }

    fn used(&self) -> MutexGuard<'_, Used> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_image_that_was_used_longest_ago_goes_first() {
        let mut used = Used::default();
        for n in 0..=KEPT {
            used.add(&n.to_string());
        }
        used.touch("0");
        used.touch("not ours");
        assert_eq!(used.take_surplus().as_deref(), Some("1"));
        assert_eq!(used.take_surplus(), None);
        assert_eq!(used.0.back().map(String::as_str), Some("0"));
    }
}
