//! Answers in memory, within a budget.

use std::sync::Arc;
use std::time::{Duration, Instant};

use molar_web_kit::ApiError;
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use uuid::Uuid;

use super::body::Body;

/// Three forms of twenty boards of a thousand teams are 60 MiB.
const BUDGET_BYTES: u64 = 96 << 20;
/// Those three of twenty. Of up to 62 the cache makes one part, into which a large answer fits.
const ABOUT: usize = 60;

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

#[derive(Clone)]
struct Rendered {
    stamp: [u8; 32],
    body: Arc<Body>,
    made_at: Instant,
}

impl Rendered {
    fn of(stamp: [u8; 32], body: Arc<Body>) -> Self {
        Self {
            stamp,
            body,
            made_at: Instant::now(),
        }
    }

    fn counts_for(&self, stamp: [u8; 32]) -> bool {
        self.stamp == stamp && self.made_at.elapsed() < LIFE
    }
}

#[derive(Clone)]
struct Size;

impl Weighter<Key, Rendered> for Size {
    fn weight(&self, _: &Key, rendered: &Rendered) -> u64 {
        rendered.body.size() as u64
    }
}

/// What is asked for again stays; what was asked for once makes room first.
pub struct Shelf(Cache<Key, Rendered, Size>);

impl Default for Shelf {
    fn default() -> Self {
        Self(Cache::with_weighter(ABOUT, BUDGET_BYTES, Size))
    }
}

impl Shelf {
    /// The kept answer of this stamp, or a new one. What is no success is not kept.
    pub async fn find_or_make(
        &self,
        key: Key,
        stamp: [u8; 32],
        make: impl AsyncFnOnce() -> Result<Body, ApiError>,
    ) -> Result<Arc<Body>, ApiError> {
        // One renders, the others wait for it.
        let place = loop {
            match self.0.get_value_or_guard_async(&key).await {
                Ok(rendered) if rendered.counts_for(stamp) => return Ok(rendered.body),
                Ok(_) => {
                    // Unless another has taken its place meanwhile.
                    self.0
                        .remove_if(&key, |rendered| !rendered.counts_for(stamp));
                }
                Err(place) => break place,
            }
        };
        let body = make().await?;
        if !body.status.is_success() {
            return Ok(Arc::new(body));
        }
        let packing = tokio::task::spawn_blocking(move || body.packed());
        let packed = packing.await.map_err(ApiError::internal)?;
        let body = Arc::new(packed.map_err(ApiError::internal)?);
        // An answer that finds no room is told all the same.
        let _ = place.insert(Rendered::of(stamp, body.clone()));
        Ok(body)
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
        ask(2).await.unwrap();
        assert_eq!(made.load(Ordering::SeqCst), 2);
        assert_eq!(shelf.0.len(), 1, "the old one is gone");
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
        let shelf = Shelf::default();
        let tenth = Arc::new(body(BUDGET_BYTES as usize / 10));
        let put = |number| {
            let rendered = Rendered::of([1; 32], tenth.clone());
            shelf.0.insert(key(number), rendered);
        };
        put(0);
        for number in 1..50 {
            assert!(shelf.0.get(&key(0)).is_some(), "asked for again: {number}");
            put(number);
            assert!(shelf.0.weight() <= BUDGET_BYTES);
        }
        assert!((5..10).contains(&shelf.0.len()), "{}", shelf.0.len());
        for number in 50..10_000 {
            let rendered = Rendered::of([1; 32], Arc::new(body(1)));
            shelf.0.insert(key(number), rendered);
        }
        let kept = shelf.0.iter();
        let sizes: usize = kept.map(|(_, rendered)| rendered.body.size()).sum();
        assert_eq!(shelf.0.weight(), sizes as u64);
        assert!(shelf.0.weight() <= BUDGET_BYTES);
    }
}
