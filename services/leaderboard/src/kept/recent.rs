//! What the last looks found, for so short that nobody sees it.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use actix_web::HttpRequest;
use actix_web::http::header::{CacheControl, CacheDirective, Header as _};

/// By id and by address each board is one; more are of boards that are gone.
const MOST: usize = 1024;

/// What a look found.
pub struct Look<T> {
    /// Nothing where there is nothing to be kept.
    pub found: Option<T>,
    begun: Instant,
    counts_for: Duration,
    is_replaced: AtomicBool,
}

impl<T> Look<T> {
    /// Neither too long ago nor replaced by a later one.
    pub fn counts(&self) -> bool {
        !self.is_replaced.load(Ordering::Acquire) && self.begun.elapsed() < self.counts_for
    }

    fn replace(&self) {
        self.is_replaced.store(true, Ordering::Release);
    }
}

/// With a look for each of a crowd the database works more than whoever answers.
pub struct Recent<K, T> {
    counts_for: Duration,
    looks: Mutex<HashMap<K, Arc<Look<T>>>>,
}

impl<K: Hash + Eq + Clone, T> Recent<K, T> {
    pub fn new(counts_for: Duration) -> Self {
        Self {
            counts_for,
            looks: Mutex::default(),
        }
    }

    /// None where the last look is too long ago.
    pub fn find(&self, key: &K) -> Option<Arc<Look<T>>> {
        let look = self.lock().get(key)?.clone();
        look.counts().then_some(look)
    }

    /// The look that counts now: the one that began at `begun` and found this, or one that began later.
    pub fn put(&self, key: &K, begun: Instant, found: Option<T>) -> Arc<Look<T>> {
        let mut looks = self.lock();
        if let Some(held) = looks.get(key) {
            if held.begun > begun {
                return held.clone();
            }
            held.replace();
        }
        if looks.len() >= MOST {
            looks.drain().for_each(|(_, look)| look.replace());
        }
        let look = Arc::new(Look {
            found,
            begun,
            counts_for: self.counts_for,
            is_replaced: AtomicBool::new(false),
        });
        looks.insert(key.clone(), look.clone());
        look
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<K, Arc<Look<T>>>> {
        self.looks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether the caller asks for what is so now: a page that heard of a change, or somebody who loads it anew.
pub fn is_to_be_new(request: &HttpRequest) -> bool {
    let Ok(CacheControl(directives)) = CacheControl::parse(request) else {
        return false;
    };
    directives
        .iter()
        .any(|one| matches!(one, CacheDirective::NoCache | CacheDirective::MaxAge(0)))
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn found<T: Copy>(look: Option<Arc<Look<T>>>) -> Option<T> {
        look.and_then(|look| look.found)
    }

    #[test]
    fn a_look_that_began_before_another_does_not_take_its_place() {
        let recent = Recent::new(Duration::from_secs(3600));
        let first = Instant::now();
        let second = first + Duration::from_nanos(1);
        recent.put(&1, second, None);
        let held = recent.put(&1, first, Some("open"));
        assert_eq!(found(Some(held)), None, "it was hidden meanwhile");
        assert_eq!(found(recent.find(&1)), None);
        let old = recent.put(&2, first, Some("old"));
        assert!(old.counts());
        let new = recent.put(&2, second, Some("new"));
        assert!(new.counts() && !old.counts());
        assert_eq!(found(recent.find(&2)), Some("new"));
        for key in 0..5 * MOST {
            recent.put(&key, first, Some("of many"));
        }
        assert!(recent.lock().len() <= MOST);
        assert!(!new.counts(), "of what is forgotten nothing counts");
    }

    #[test]
    fn a_look_counts_only_so_long() {
        let recent = Recent::new(Duration::ZERO);
        let look = recent.put(&1, Instant::now(), Some("open"));
        assert!(!look.counts() && recent.find(&1).is_none());
    }

    #[test]
    fn who_loads_a_page_anew_says_so() {
        let is_to_be_new = |header: &str| {
            let request = TestRequest::default().insert_header(("cache-control", header));
            is_to_be_new(&request.to_http_request())
        };
        assert!(is_to_be_new("no-cache") && is_to_be_new("max-age=0"));
        assert!(!is_to_be_new("max-age=60") && !is_to_be_new("only-if-cached"));
        assert!(!super::is_to_be_new(
            &TestRequest::default().to_http_request()
        ));
    }
}
