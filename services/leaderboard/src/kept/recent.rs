//! What the last looks found, for so short that nobody sees it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use actix_web::HttpRequest;
use actix_web::http::header::{CacheControl, CacheDirective, Header as _};

use super::standing::{Standing, Which};

/// By id and by address each board is one; more are of boards that are gone.
const MOST: usize = 1024;

/// Nothing where the board is not kept.
type Found = (Instant, Option<Arc<Standing>>);

/// With a look for each of a crowd the database works more than whoever answers.
pub struct Recent {
    counts_for: Duration,
    found: Mutex<HashMap<Which, Found>>,
}

impl Recent {
    pub fn new(counts_for: Duration) -> Self {
        Self {
            counts_for,
            found: Mutex::default(),
        }
    }

    /// None where the last look is too long ago.
    pub fn find(&self, which: &Which) -> Option<Arc<Standing>> {
        let found = self.lock();
        let (at, standing) = found.get(which)?;
        let counts = at.elapsed() < self.counts_for;
        standing.clone().filter(|_| counts)
    }

    /// What a look found that began at `at`, or later; one that began before takes the place of none.
    pub fn put(&self, which: &Which, at: Instant, standing: Option<Arc<Standing>>) {
        let mut found = self.lock();
        if found.get(which).is_some_and(|(held, _)| *held > at) {
            return;
        }
        if found.len() >= MOST {
            found.clear();
        }
        found.insert(which.clone(), (at, standing));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Which, Found>> {
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
