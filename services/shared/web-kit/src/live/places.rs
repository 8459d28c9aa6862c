//! How many follow at once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::ApiError;
use crate::rate::Key;

/// In one process. The front holds two connections for each, and needs others for all that is asked once.
pub const PLACES: usize = 2_048;

/// Pages that one person, or all who come from one address and are not signed in, may well have open.
pub const OF_ONE: usize = 64;

/// When to come again; a page that was closed gives its place back at once.
const RETRY_S: u64 = 30;

#[derive(Clone, Default)]
pub struct Places {
    taken: Arc<Mutex<HashMap<Key, usize>>>,
}

/// Free again once dropped.
pub struct Place {
    key: Key,
    places: Places,
}

impl Places {
    /// Refuses, until somebody leaves, whoever has as many as one may have, and everybody once all are taken.
    pub fn take(&self, key: Key) -> Result<Place, ApiError> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.values().sum::<usize>() >= PLACES {
            return Err(full("as many pages are followed as this process can serve"));
        }
        let own = taken.entry(key).or_default();
        if *own >= OF_ONE {
            return Err(full("as many pages are followed as one caller may follow"));
        }
        *own += 1;
        Ok(Place {
            key,
            places: self.clone(),
        })
    }
}

fn full(why: &'static str) -> ApiError {
    ApiError::Unavailable {
        retry_after_s: RETRY_S,
        source: Some(why.into()),
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self
            .places
            .taken
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = taken.get_mut(&self.key) {
            *own -= 1;
            if *own == 0 {
                taken.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use actix_web::ResponseError as _;

    use super::*;

    fn address(number: usize) -> Key {
        let [.., a, b] = number.to_be_bytes();
        Key::Address([10, 0, a, b].into())
    }

    #[test]
    fn one_caller_takes_a_few_places_and_all_together_no_more_than_there_are() {
        let places = Places::default();
        let mut held: Vec<_> = (0..OF_ONE)
            .map(|_| places.take(address(0)).unwrap())
            .collect();
        assert!(places.take(address(0)).is_err());
        for other in 1..PLACES / OF_ONE {
            held.extend((0..OF_ONE).map(|_| places.take(address(other)).unwrap()));
        }
        let Err(refusal) = places.take(address(60_000)) else {
            panic!("there is no place left")
        };
        let answer = refusal.error_response();
        assert_eq!(answer.status(), 503);
        assert_eq!(answer.headers().get("retry-after").unwrap(), "30");
        held.pop();
        assert!(places.take(address(60_000)).is_ok());
    }
}
