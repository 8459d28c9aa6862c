//! Answers in memory, within a budget.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use molar_web_kit::ApiError;
use tokio::sync::Mutex as Turn;
use uuid::Uuid;

use super::body::Body;

/// Three forms of twenty boards of a thousand teams are 60 MiB.
const BUDGET_BYTES: usize = 96 << 20;
const MOST: usize = 1024;

/// What no stamp names is seen by then: spreads that an older version of the program had not kept.
const LIFE: Duration = Duration::from_secs(60);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Key {
    pub phase: Uuid,
    /// Page, JSON, CSV or statistics.
    pub form: &'static str,
    /// As it was asked.
    pub query: String,
}

#[derive(Default)]
struct Slot {
    /// One renders, the others wait for it.
    turn: Arc<Turn<()>>,
    kept: Option<Kept>,
    used: u64,
}

struct Kept {
    stamp: [u8; 32],
    body: Arc<Body>,
    made_at: Instant,
}

#[derive(Default)]
struct Slots {
    by_key: HashMap<Key, Slot>,
    bytes: usize,
    clock: u64,
}

#[derive(Default)]
pub struct Shelf(Mutex<Slots>);

impl Shelf {
    /// The kept answer of this stamp, or a new one. What is no success is not kept.
    pub async fn find_or_make(
        &self,
        key: Key,
        stamp: [u8; 32],
        make: impl AsyncFnOnce() -> Result<Body, ApiError>,
    ) -> Result<Arc<Body>, ApiError> {
        if let Some(kept) = self.find(&key, stamp) {
            return Ok(kept);
        }
        let turn = self.lock().slot(&key).turn.clone();
        let _turn = turn.lock().await;
        if let Some(kept) = self.find(&key, stamp) {
            return Ok(kept);
        }
        let body = make().await?;
        if !body.status.is_success() {
            return Ok(Arc::new(body));
        }
        let packing = tokio::task::spawn_blocking(move || body.packed());
        let packed = packing.await.map_err(ApiError::internal)?;
        let body = Arc::new(packed.map_err(ApiError::internal)?);
        self.lock().put(&key, stamp, body.clone());
        Ok(body)
    }

    fn find(&self, key: &Key, stamp: [u8; 32]) -> Option<Arc<Body>> {
        let mut slots = self.lock();
        let kept = slots.slot(key).kept.as_ref()?;
        let is_current = kept.stamp == stamp && kept.made_at.elapsed() < LIFE;
        is_current.then(|| kept.body.clone())
    }

    fn lock(&self) -> MutexGuard<'_, Slots> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slots {
    fn slot(&mut self, key: &Key) -> &mut Slot {
        self.clock += 1;
        if !self.by_key.contains_key(key) {
            self.make_room(0, MOST - 1);
        }
        let slot = self.by_key.entry(key.clone()).or_default();
        slot.used = self.clock;
        slot
    }

    fn put(&mut self, key: &Key, stamp: [u8; 32], body: Arc<Body>) {
        if body.size() > BUDGET_BYTES {
            return;
        }
        self.drop_body(key);
        self.make_room(body.size(), MOST);
        self.bytes += body.size();
        self.slot(key).kept = Some(Kept {
            stamp,
            body,
            made_at: Instant::now(),
        });
    }

    fn drop_body(&mut self, key: &Key) {
        let kept = self.by_key.get_mut(key).and_then(|slot| slot.kept.take());
        self.bytes -= kept.map_or(0, |kept| kept.body.size());
    }

    /// The one that was used longest ago goes first.
    fn make_room(&mut self, bytes: usize, most: usize) {
        while self.bytes + bytes > BUDGET_BYTES || self.by_key.len() > most {
            let oldest = self.by_key.iter().min_by_key(|(_, slot)| slot.used);
            let Some(oldest) = oldest.map(|(key, _)| key.clone()) else {
                return;
            };
            self.drop_body(&oldest);
            self.by_key.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use actix_web::HttpResponse;

    use super::*;

    fn key(number: usize) -> Key {
        Key {
            phase: Uuid::nil(),
            form: "json",
            query: number.to_string(),
        }
    }

    fn body(size: usize) -> Body {
        Body::of(HttpResponse::Ok().body("x".repeat(size))).unwrap()
    }

    #[tokio::test]
    async fn one_renders_while_the_others_wait_and_another_stamp_renders_anew() {
        let (shelf, made) = (Shelf::default(), AtomicUsize::new(0));
        let ask = |stamp| {
            shelf.find_or_make(key(1), [stamp; 32], async || {
                made.fetch_add(1, Ordering::SeqCst);
                tokio::task::yield_now().await;
                Ok(body(10))
            })
        };
        let both = tokio::join!(ask(1), ask(1), ask(1));
        assert!(both.0.is_ok() && both.1.is_ok() && both.2.is_ok());
        assert_eq!(made.load(Ordering::SeqCst), 1);
        ask(2).await.unwrap();
        assert_eq!(made.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn what_is_no_success_is_not_kept() {
        let shelf = Shelf::default();
        for expected in ["first", "second"] {
            let answer = shelf.find_or_make(key(1), [1; 32], async || {
                Body::of(HttpResponse::NotFound().body(expected))
            });
            assert_eq!(answer.await.unwrap().plain, expected);
        }
    }

    #[test]
    fn it_stays_within_its_budget_and_forgets_what_is_asked_for_least() {
        let mut slots = Slots::default();
        let third = BUDGET_BYTES / 3 - 2048;
        for number in 0..3 {
            slots.put(&key(number), [1; 32], Arc::new(body(third)));
        }
        slots.slot(&key(0));
        slots.put(&key(3), [1; 32], Arc::new(body(third)));
        let mut left: Vec<_> = slots.by_key.keys().map(|key| key.query.as_str()).collect();
        left.sort_unstable();
        assert_eq!(left, ["0", "2", "3"]);
        assert!(slots.bytes <= BUDGET_BYTES);
        for number in 0..2 * MOST {
            slots.put(&key(number), [2; 32], Arc::new(body(1)));
        }
        let sizes = slots.by_key.values().filter_map(|slot| slot.kept.as_ref());
        let sizes: usize = sizes.map(|kept| kept.body.size()).sum();
        assert_eq!((slots.by_key.len(), slots.bytes), (MOST, sizes));
    }
}
