//! What somebody follows, and its newest number.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::HIDDEN;
use crate::Caller;

/// By key. Whoever follows one key is told the same.
pub struct Followed<K> {
    by_key: Mutex<HashMap<K, Entry>>,
}

struct Entry {
    /// One of those who see it so; none where that is nobody in particular.
    seen_by: Option<Caller>,
    /// None once it is not there any more.
    number: watch::Sender<Option<u64>>,
}

impl<K> Default for Followed<K> {
    fn default() -> Self {
        Self {
            by_key: Mutex::default(),
        }
    }
}

impl<K: Clone + Eq + Hash> Followed<K> {
    /// With the number that the thing has for the caller right now.
    pub fn follow(
        &self,
        key: K,
        seen_by: Option<&Caller>,
        number: u64,
    ) -> watch::Receiver<Option<u64>> {
        let mut by_key = self.lock();
        let entry = by_key.entry(key).or_insert_with(|| Entry {
            seen_by: None,
            number: watch::Sender::new(None),
        });
        entry.seen_by = seen_by.cloned();
        // Whoever was told of another before is told of this one, too.
        set(&entry.number, Some(number));
        entry.number.subscribe()
    }

    /// What is to be looked at, and as whom. What nobody follows any more is forgotten.
    pub fn list(&self) -> Vec<(K, Option<Caller>)> {
        let mut by_key = self.lock();
        by_key.retain(|_, entry| entry.number.receiver_count() > 0);
        let entries = by_key.iter();
        entries
            .map(|(key, entry)| (key.clone(), entry.seen_by.clone()))
            .collect()
    }

    /// None ends it for all who follow, and so does what was shown and is hidden now.
    pub fn tell(&self, key: &K, number: Option<u64>) {
        let mut by_key = self.lock();
        let Some(entry) = by_key.get(key) else {
            return;
        };
        let before = *entry.number.borrow();
        let is_hidden_now = number == Some(HIDDEN) && before.is_some_and(|number| number != HIDDEN);
        if number.is_none() || is_hidden_now {
            by_key.remove(key);
        } else {
            set(&entry.number, number);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<K, Entry>> {
        self.by_key.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn set(number: &watch::Sender<Option<u64>>, new: Option<u64>) {
    number.send_if_modified(|number| {
        let is_new = *number != new;
        *number = new;
        is_new
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_another_number_is_told_and_an_end_is_an_end() {
        let followed = Followed::default();
        let mut one = followed.follow("board", None, 7);
        assert_eq!(*one.borrow_and_update(), Some(7));
        followed.tell(&"board", Some(7));
        assert!(!one.has_changed().unwrap());
        followed.tell(&"board", Some(8));
        assert!(one.has_changed().unwrap());
        assert_eq!(*one.borrow_and_update(), Some(8));

        followed.tell(&"board", Some(HIDDEN));
        assert!(one.changed().await.is_err(), "it is hidden now");
        let hidden = followed.follow("board", None, HIDDEN);
        followed.tell(&"board", Some(9));
        assert!(hidden.has_changed().unwrap(), "it is shown again");
    }

    #[test]
    fn what_nobody_follows_is_not_looked_at() {
        let followed = Followed::default();
        let kept = followed.follow(1, None, 7);
        drop(followed.follow(2, None, 7));
        let keys: Vec<i32> = followed.list().into_iter().map(|(key, _)| key).collect();
        assert_eq!(keys, [1]);
        drop(kept);
        assert!(followed.list().is_empty());
    }
}
