//! References as they were read, kept for the next submission: reading one takes as long as scoring a
//! prediction against it.

use std::sync::Arc;

use molar_objects::Bucket;
use molar_volumes::{Error as VolumeError, Reference};
use quick_cache::sync::Cache;
use quick_cache::{Options, OptionsBuilder, Weighter};

use super::task::{Object, Task};
use crate::error::{Error, Result};
use crate::fetch::Fetcher;
use crate::slots::Slots;

/// All references of a track's hidden cases: one of a volume takes a megabyte or two.
const BYTES_MAX: u64 = 256 << 20;
/// How many of those would fill it.
const ABOUT: usize = 256;

/// An object's key is never used for other bytes, and its hash is compared when it is fetched.
type Key = (String, String);

#[derive(Clone)]
pub struct Decoded {
    fetcher: Fetcher,
    slots: Slots,
    cache: Arc<Cache<Key, Arc<Reference>, Size>>,
}

#[derive(Clone)]
struct Size;

impl Weighter<Key, Arc<Reference>> for Size {
    fn weight(&self, _: &Key, reference: &Arc<Reference>) -> u64 {
        // What weighs nothing is never thrown out.
        reference.size_bytes().max(1) as u64
    }
}

fn options() -> Options {
    let mut options = OptionsBuilder::new();
    // In one piece: a large reference may take a quarter of it.
    options.shards(1);
    options
        .estimated_items_capacity(ABOUT)
        .weight_capacity(BYTES_MAX);
    // Unwrap safety: both capacities are given.
    options.build().expect("the capacities of a cache")
}

impl Decoded {
    pub fn new(fetcher: Fetcher, slots: Slots) -> Self {
        Self {
            fetcher,
            slots,
            cache: Arc::new(Cache::with_options(
                options(),
                Size,
                Default::default(),
                Default::default(),
            )),
        }
    }

    /// Fetched and read once, however many cases ask for it at the same time.
    pub async fn of(&self, task: &Task) -> Result<Arc<Reference>> {
        let Object { key, sha256, .. } = &task.reference;
        let read = self.read(task);
        let key = (key.clone(), sha256.clone());
        self.cache.get_or_insert_async(&key, read).await
    }

    async fn read(&self, task: &Task) -> Result<Arc<Reference>> {
        let object = &task.reference;
        let file = self.fetcher.fetch(
            Bucket::References,
            &object.key,
            object.size_bytes,
            &object.sha256,
        );
        let (file, format, geometry) = (file.await?, task.format, task.geometry);
        let read = move || match Reference::read(format, file.reader(), Some(geometry)) {
            Ok(reference) => Ok(Arc::new(reference)),
            Err(VolumeError::Source(error)) => Err(Error::File(error)),
            // It was read before it was called good, and these are the same bytes.
            Err(error) => Err(Error::File(std::io::Error::other(error))),
        };
        self.slots.run(read).await
    }

    #[cfg(test)]
    pub fn held(&self) -> usize {
        self.cache.len()
    }
}
