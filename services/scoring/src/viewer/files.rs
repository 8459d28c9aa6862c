//! Objects of the cases that somebody looks at, kept on the disk for the next slice.

use std::sync::Arc;

use quick_cache::Weighter;
use quick_cache::sync::Cache;

use super::rows::Stored;
use crate::error::{Error, Result};
use crate::fetch::{Fetched, Fetcher};

/// On the disk, in files without a name.
const BYTES_MAX: u64 = 1 << 30;
/// How many of those would fill it.
const ABOUT: usize = 64;

#[derive(Clone)]
pub struct Files {
    fetcher: Fetcher,
    kept: Arc<Cache<String, Fetched, Size>>,
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
        }
    }

    /// The object, or why there is none of the announced content.
    pub async fn of(&self, stored: &Stored) -> Result<Result<Fetched, &'static str>> {
        let fetch = self.fetcher.fetch(
            stored.bucket,
            &stored.key,
            stored.size_bytes,
            &stored.sha256,
        );
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
