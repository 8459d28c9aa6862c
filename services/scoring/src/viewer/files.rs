//! Objects of the cases that somebody looks at, kept on the disk for the next slice.

use std::sync::Arc;

use quick_cache::Weighter;
use quick_cache::sync::Cache;
use tokio::sync::Semaphore;

use super::rows::Stored;
use crate::error::{Error, Result};
use crate::fetch::{Fetched, Fetcher};

/// On the disk, in files without a name.
const BYTES_MAX: u64 = 1 << 30;
/// Of one file, so that it fits in beside others. What is larger is not looked at.
const FILE_MAX: i64 = 900 << 20;
/// How many of those would fill it; of up to 32 the cache makes one part, into which a large file fits.
const ABOUT: usize = 32;
/// Fetched at a time.
const AT_ONCE: usize = 2;

#[derive(Clone)]
pub struct Files {
    fetcher: Fetcher,
    kept: Arc<Cache<String, Fetched, Size>>,
    fetches: Arc<Semaphore>,
}

#[derive(Clone)]
struct Size;

impl Weighter<String, Fetched> for Size {
    fn weight(&self, _: &String, file: &Fetched) -> u64 {
        // What weighs nothing is never thrown out.
        file.size().max(1)
    }
}

impl Files {
    pub fn new(fetcher: Fetcher) -> Self {
        Self {
            fetcher,
            kept: Arc::new(Cache::with_weighter(ABOUT, BYTES_MAX, Size)),
            fetches: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }

    /// The object, or why there is none of the announced content.
    pub async fn of(&self, stored: &Stored) -> Result<Result<Fetched, &'static str>> {
        if stored.size_bytes > FILE_MAX {
            return Ok(Err("it is too large to be looked at here"));
        }
        let fetch = async {
            // A semaphore that nobody closes.
            let _turn = self.fetches.acquire().await;
            let (key, size) = (&stored.key, stored.size_bytes);
            let fetch = self.fetcher.fetch(stored.bucket, key, size, &stored.sha256);
            fetch.await
        };
        let found = self
            .kept
            .get_or_insert_async(&identity(stored), fetch)
            .await;
        match found {
            Ok(file) => Ok(Ok(file)),
            Err(Error::Objects(molar_objects::Error::NotFound)) => {
                Ok(Err("it is not in the store any more"))
            }
            Err(Error::Changed(key)) => {
                tracing::error!(
                    object.key = key,
                    "an object is not the one that was announced"
                );
                Ok(Err("what lies in the store is not what was announced"))
            }
            Err(error) => Err(error),
        }
    }
}

/// An object's key is never used for other bytes, and its hash is compared when it is fetched.
pub fn identity(stored: &Stored) -> String {
    format!(
        "{}/{}@{}",
        stored.bucket.as_str(),
        stored.key,
        stored.sha256
    )
}
