//! What the last looks found, for so short that nobody sees it.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use actix_web::HttpRequest;
use actix_web::http::header::{CacheControl, CacheDirective, Header as _};

/// By id and by address each board is one; more are of boards that are gone.
const MOST: usize = 1024;

/// With a look for each of a crowd the database works more than whoever answers.
pub struct Recent<K, T> {
    counts_for: Duration,
    /// Nothing where there is nothing to be kept.
    found: Mutex<HashMap<K, (Instant, Option<T>)>>,
}

impl<K: Hash + Eq + Clone, T: Clone> Recent<K, T> {
    pub fn new(counts_for: Duration) -> Self {
        Self {
            counts_for,
            found: Mutex::default(),
        }
    }

    /// None where the last look is too long ago.
    pub fn find(&self, key: &K) -> Option<T> {
        let found = self.lock();
        let (at, value) = found.get(key)?;
        let counts = at.elapsed() < self.counts_for;
        value.clone().filter(|_| counts)
    }

    /// What a look found that began at `at`, or later; one that began before takes the place of none.
    pub fn put(&self, key: &K, at: Instant, value: Option<T>) {
        let mut found = self.lock();
        if found.get(key).is_some_and(|(held, _)| *held > at) {
            return;
        }
        if found.len() >= MOST {
            found.clear();
        }
        found.insert(key.clone(), (at, value));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<K, (Instant, Option<T>)>> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
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

    #[test]
    fn a_look_that_began_before_another_does_not_take_its_place() {
        let recent = Recent::new(Duration::from_secs(3600));
        let first = Instant::now();
        let second = first + Duration::from_nanos(1);
        recent.put(&1, second, None);
        recent.put(&1, first, Some("open"));
        assert_eq!(recent.find(&1), None, "it was hidden meanwhile");
        recent.put(&2, first, Some("old"));
        recent.put(&2, second, Some("new"));
        assert_eq!(recent.find(&2), Some("new"));
        for key in 0..5 * MOST {
            recent.put(&key, first, Some("of many"));
        }
        assert!(recent.lock().len() <= MOST);
    }

    #[test]
    fn a_look_counts_only_so_long() {
        let recent = Recent::new(Duration::ZERO);
        recent.put(&1, Instant::now(), Some("open"));
        assert_eq!(recent.find(&1), None);
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
