//! How many files are measured at once, which bounds the memory that measuring takes: a few megabytes each for
//! the protocol's seven, more where a phase asks for distances.

use std::sync::Arc;

use tokio::sync::Semaphore;

use crate::error::{Error, Result};

#[derive(Clone)]
pub struct Slots {
    free: Arc<Semaphore>,
    number: usize,
}

impl Slots {
    pub fn new(number: usize) -> Self {
        let number = number.max(1);
        Self {
            free: Arc::new(Semaphore::new(number)),
            number,
        }
    }

    pub fn number(&self) -> usize {
        self.number
    }

    /// Runs `work` off the async threads. Whoever waits may give up: the slot stays taken until the
    /// work has ended, because it cannot be interrupted.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Result<T> {
        // Unwrap safety: the semaphore is never closed.
        #[expect(clippy::unwrap_used, reason = "see above")]
        let slot = self.free.clone().acquire_owned().await.unwrap();
        let work = move || {
            let _slot = slot;
            work()
        };
        tokio::task::spawn_blocking(work)
            .await
            .map_err(Error::Panicked)?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_an_error_and_gives_its_slot_back() {
        let slots = Slots::new(1);
        let broken = slots.run(|| -> Result<()> { panic!("on purpose") }).await;
        assert!(matches!(broken, Err(Error::Panicked(_))), "{broken:?}");
        assert_eq!(slots.run(|| Ok(7)).await.unwrap(), 7);
    }
}
