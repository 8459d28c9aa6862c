//! Slows guessing of passwords: by account, whoever asks, and by address, whichever account.
//!
//! Kept in memory: a restart forgives, and the process that serves sign-ins is one.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use actix_web::HttpRequest;
use chrono::{DateTime, TimeDelta, Utc};

/// Failures that cost nothing: people mistype. An address may be that of a whole lab.
const FREE_OF_ACCOUNT: u32 = 5;
const FREE_OF_ADDRESS: u32 = 50;

/// Longest wait, and after how long a failure is forgotten.
const WAIT_MAX_S: i64 = 15 * 60;
const MEMORY: TimeDelta = TimeDelta::hours(1);

/// Beyond this, entries of the past are swept out.
const ENTRIES: usize = 10_000;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key {
    Account(String),
    Address(String),
}

impl Key {
    fn free(&self) -> u32 {
        match self {
            Self::Account(_) => FREE_OF_ACCOUNT,
            Self::Address(_) => FREE_OF_ADDRESS,
        }
    }
}

#[derive(Debug, Clone, Copy)]
struct Failures {
    count: u32,
    last: DateTime<Utc>,
}

#[derive(Default)]
pub struct Limiter(Mutex<HashMap<Key, Failures>>);

impl Limiter {
    /// Counts an attempt as failed before it is looked at, so that many at once do not slip by.
    /// The error is the seconds to wait; such an attempt does not count.
    pub fn attempt(&self, account: &str, address: &str, now: DateTime<Utc>) -> Result<(), u64> {
        let mut entries = self.lock();
        let keys = keys(account, address);
        let wait = keys
            .iter()
            .map(|key| wait_s(key, entries.get(key), now))
            .max()
            .unwrap_or(0);
        if wait > 0 {
            return Err(wait);
        }
        sweep(&mut entries, now);
        for key in keys {
            let entry = entries.entry(key).or_insert(Failures {
                count: 0,
                last: now,
            });
            let is_old = now - entry.last > MEMORY;
            entry.count = if is_old {
                1
            } else {
                entry.count.saturating_add(1)
            };
            entry.last = now;
        }
        Ok(())
    }

    /// The attempt was right: the account starts afresh, the address gets this one back.
    pub fn forgive(&self, account: &str, address: &str) {
        let mut entries = self.lock();
        let [account, address] = keys(account, address);
        entries.remove(&account);
        if let Some(entry) = entries.get_mut(&address) {
            entry.count = entry.count.saturating_sub(1);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Failures>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn keys(account: &str, address: &str) -> [Key; 2] {
    [
        Key::Account(account.to_owned()),
        Key::Address(address.to_owned()),
    ]
}

/// 1 s, 2 s, 4 s … capped at 15 min, from the first failure that is not free.
fn wait_s(key: &Key, failures: Option<&Failures>, now: DateTime<Utc>) -> u64 {
    let Some(failures) = failures else { return 0 };
    let Some(beyond) = failures.count.checked_sub(key.free()) else {
        return 0;
    };
    let wait = 1_i64
        .checked_shl(beyond.min(30))
        .unwrap_or(WAIT_MAX_S)
        .min(WAIT_MAX_S);
    let left = failures.last + TimeDelta::seconds(wait) - now;
    u64::try_from((left.num_milliseconds() + 999) / 1000).unwrap_or(0)
}

fn sweep(entries: &mut HashMap<Key, Failures>, now: DateTime<Utc>) {
    if entries.len() > ENTRIES {
        entries.retain(|_, failures| now - failures.last <= MEMORY);
    }
}

/// Where a request comes from: what the proxy on this very machine says, else the peer.
pub fn address_of(request: &HttpRequest) -> String {
    let Some(peer) = request.peer_addr() else {
        return "unknown".into();
    };
    let forwarded = request
        .headers()
        .get("x-forwarded-for")
        .and_then(|value| value.to_str().ok());
    let told = forwarded
        .and_then(|list| list.rsplit(',').next())
        .map(str::trim);
    match told {
        Some(told) if peer.ip().is_loopback() => told.to_owned(),
        _ => peer.ip().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;
    use molar_web_kit::testing::noon;

    use super::*;

    #[test]
    fn waits_double_from_the_sixth_failure() {
        let limiter = Limiter::default();
        let mut now = noon();
        for _ in 0..FREE_OF_ACCOUNT {
            assert_eq!(limiter.attempt("ada", "::1", now), Ok(()));
        }
        for wait in [1, 2, 4, 8] {
            assert_eq!(limiter.attempt("ada", "::1", now), Err(wait));
            now += TimeDelta::seconds(i64::try_from(wait).unwrap());
            assert_eq!(limiter.attempt("ada", "::1", now), Ok(()));
        }
        // Another account from the same place is not held up.
        assert_eq!(limiter.attempt("grace", "::1", now), Ok(()));
    }

    #[test]
    fn the_wait_is_capped_and_failures_are_forgotten() {
        let limiter = Limiter::default();
        let mut now = noon();
        for _ in 0..40 {
            if let Err(wait) = limiter.attempt("ada", "::1", now) {
                assert!(wait <= 900, "{wait}");
                now += TimeDelta::seconds(i64::try_from(wait).unwrap());
                limiter.attempt("ada", "::1", now).unwrap();
            }
        }
        assert_eq!(limiter.attempt("ada", "::1", now), Err(900));
        now += TimeDelta::hours(2);
        for _ in 0..FREE_OF_ACCOUNT {
            assert_eq!(limiter.attempt("ada", "::1", now), Ok(()));
        }
        assert_eq!(limiter.attempt("ada", "::1", now), Err(1));
    }

    #[test]
    fn one_address_cannot_try_every_account() {
        let limiter = Limiter::default();
        for n in 0..FREE_OF_ADDRESS {
            assert_eq!(limiter.attempt(&n.to_string(), "10.0.0.1", noon()), Ok(()));
        }
        assert_eq!(limiter.attempt("one more", "10.0.0.1", noon()), Err(1));
        assert_eq!(limiter.attempt("one more", "10.0.0.2", noon()), Ok(()));
    }

    #[test]
    fn a_right_password_is_forgiven() {
        let limiter = Limiter::default();
        for _ in 0..1000 {
            limiter.attempt("ada", "10.0.0.1", noon()).unwrap();
            limiter.forgive("ada", "10.0.0.1");
        }
    }

    #[test]
    fn only_the_proxy_beside_us_is_believed() {
        let from = |peer: &str| {
            let request = TestRequest::default()
                .peer_addr(peer.parse().unwrap())
                .insert_header(("x-forwarded-for", "1.1.1.1, 2.2.2.2"));
            address_of(&request.to_http_request())
        };
        assert_eq!(from("127.0.0.1:5000"), "2.2.2.2");
        assert_eq!(from("10.9.8.7:5000"), "10.9.8.7");
    }
}
