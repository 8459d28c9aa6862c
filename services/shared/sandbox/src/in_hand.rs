use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Names of the containers whose runs this process is in the middle of.
#[derive(Clone, Default)]
pub(crate) struct InHand(Arc<Mutex<BTreeSet<String>>>);

impl InHand {
    pub fn names(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The engine writes a slash before each name.
    pub fn has(&self, names: &[String]) -> bool {
        let held = self.names();
        names
            .iter()
            .any(|name| held.contains(name.trim_start_matches('/')))
    }
}
