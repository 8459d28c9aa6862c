//! How many logs one user follows at once in this process.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use molar_domain::UserId;

/// Tabs that one person may well have open; nobody takes the room of all others.
pub const OF_ONE_USER: usize = 4;

static LIVE: Mutex<BTreeMap<UserId, usize>> = Mutex::new(BTreeMap::new());

/// Free again once dropped.
pub struct Listener(UserId);

impl Listener {
    /// None for a user who has as many as one may have.
    pub fn try_new(user: UserId) -> Option<Self> {
        let mut live = LIVE.lock().unwrap_or_else(PoisonError::into_inner);
        let count = live.entry(user).or_default();
        (*count < OF_ONE_USER).then(|| {
            *count += 1;
            Self(user)
        })
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let mut live = LIVE.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = live.get_mut(&self.0) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                live.remove(&self.0);
            }
        }
    }
}
