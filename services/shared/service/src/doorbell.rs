//! Doorbells: a message says that there may be something to do, the rows say what.

mod listen;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, broadcast};
use uuid::Uuid;

pub use listen::Listener;

/// How many events a slow reader may lag behind before it misses some; it then reads the rows.
const EVENTS: usize = 256;

/// What an announcement said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The routing key: `<noun>.<past-participle>`.
    pub key: &'static str,
    pub subject_id: Uuid,
    pub phase_id: Option<Uuid>,
}

type BellsByKey = BTreeMap<&'static str, Vec<Arc<Notify>>>;

/// The bells of a process. Whoever waits asks for one bell for all keys it cares about.
#[derive(Clone)]
pub struct Bells {
    by_key: Arc<Mutex<BellsByKey>>,
    events: broadcast::Sender<Event>,
}

impl Default for Bells {
    fn default() -> Self {
        Self {
            by_key: Arc::default(),
            events: broadcast::channel(EVENTS).0,
        }
    }
}

impl Bells {
    /// A bell that rings for each of `keys`, and at once for what came before anybody waited.
    pub fn subscribe(&self, keys: &[&'static str]) -> Arc<Notify> {
        let bell = Arc::new(Notify::new());
        let mut by_key = self.lock();
        for key in keys {
            by_key.entry(key).or_default().push(bell.clone());
        }
        bell
    }

    /// Everything that is announced, for those who tell others at once. A reader that falls behind
    /// misses events and must not rely on them.
    pub fn events(&self, keys: &[&'static str]) -> broadcast::Receiver<Event> {
        for key in keys {
            self.lock().entry(key).or_default();
        }
        self.events.subscribe()
    }

    /// Rings whoever waits for the event's key.
    pub fn ring(&self, event: Event) {
        for bell in self.lock().get(event.key).into_iter().flatten() {
            bell.notify_one();
        }
        // Fails only when nobody reads events.
        let _ = self.events.send(event);
    }

    /// Every key that somebody waits for.
    pub fn keys(&self) -> Vec<&'static str> {
        self.lock().keys().copied().collect()
    }

    fn lock(&self) -> MutexGuard<'_, BellsByKey> {
        self.by_key.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(key: &'static str) -> Event {
        Event {
            key,
            subject_id: Uuid::nil(),
            phase_id: None,
        }
    }

    #[tokio::test]
    async fn everybody_who_waits_for_a_key_is_woken_also_when_it_rang_before() {
        let bells = Bells::default();
        let (one, both) = (
            bells.subscribe(&["a.done"]),
            bells.subscribe(&["a.done", "b.done"]),
        );
        bells.ring(event("a.done"));
        one.notified().await;
        both.notified().await;

        bells.ring(event("b.done"));
        both.notified().await;
        assert_eq!(bells.keys(), ["a.done", "b.done"]);
    }

    #[tokio::test]
    async fn an_event_says_what_was_announced() {
        let bells = Bells::default();
        let mut events = bells.events(&["ranking.made"]);
        bells.ring(event("ranking.made"));
        assert_eq!(events.recv().await.unwrap(), event("ranking.made"));
        assert_eq!(bells.keys(), ["ranking.made"]);
    }
}
