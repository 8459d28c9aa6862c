//! Getting the image onto the engine, once however many slots want it.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::sync::{Arc, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use molar_domain::Clock;
use molar_domain::worker_api::{Grant, ImageLayers, ImageSource, Input, Leased};
use molar_sandbox::Engine;
use molar_sandbox::image::{OpenLayer, StoredImage, StoredLayer};
use tokio::sync::Mutex;

use crate::api::Api;
use crate::fetch;
use crate::images::Images;
use crate::space::Space;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("image not loaded: {0}")]
    Sandbox(#[from] molar_sandbox::Error),

    #[error("image not fetched: {0}")]
    Fetch(#[from] fetch::Error),

    #[error(transparent)]
    Api(#[from] crate::api::Error),
}

/// A config is a list of commands and variables.
const CONFIG_BYTES: u64 = 8 << 20;

/// One load at a time: two at once would each need the disk and the network for themselves.
pub struct Loader {
    turn: Mutex<()>,
    images: Arc<std::sync::Mutex<Images>>,
    space: Space,
    clock: Arc<dyn Clock>,
}

/// While it lives the image is not removed.
pub struct Pin {
    digest: String,
    images: Arc<std::sync::Mutex<Images>>,
}

impl Drop for Pin {
    fn drop(&mut self) {
        lock(&self.images).unpin(&self.digest);
    }
}

impl Loader {
    pub fn new(images: Images, space: Space, clock: Arc<dyn Clock>) -> Self {
        Self {
            turn: Mutex::default(),
            images: Arc::new(std::sync::Mutex::new(images)),
            space,
            clock,
        }
    }

    pub async fn ensure(&self, engine: &Engine, api: &Api, grant: &Grant) -> Result<Pin, Error> {
        let digest = &grant.image_digest;
        let pin = self.pin(digest);
        if engine.has_image(digest).await? {
            self.images().used(digest, self.now());
            return Ok(pin);
        }
        let _turn = self.turn.lock().await;
        if engine.has_image(digest).await? {
            return Ok(pin);
        }
        let leased = Leased {
            lease_token: grant.lease_token,
        };
        // Signed now: a URL of the grant might have run out while another image was loaded.
        match api.urls(grant.case_run_id, leased).await?.image {
            ImageSource::Layers(layers) => self.load_layers(engine, api, digest, layers).await?,
            ImageSource::Archive(archive) => {
                self.load_archive(engine, api, digest, &archive).await?
            }
        }
        self.make_room(engine, 0).await;
        Ok(pin)
    }

    async fn load_layers(
        &self,
        engine: &Engine,
        api: &Api,
        digest: &str,
        image: ImageLayers,
    ) -> Result<(), Error> {
        let sizes: BTreeMap<String, u64> = (image.layers.iter())
            .map(|layer| (layer.diff_id.clone(), layer.unpacked_bytes))
            .collect();
        let added = self.images().added_bytes(&sizes);
        self.make_room(engine, added).await;
        let config = fetch::to_memory(api.http(), &image.config, CONFIG_BYTES).await?;
        let stored = StoredImage {
            digest: digest.to_owned(),
            config,
            layers: image.layers.iter().map(stored).collect(),
        };
        let started = std::time::Instant::now();
        let inputs: Vec<Input> = image.layers.into_iter().map(|layer| layer.stored).collect();
        let bytes = inputs.iter().map(|input| input.size_bytes);
        let bytes: Vec<u64> = bytes.collect();
        let present = engine.load_layers(stored, opener(api, inputs)).await?;
        tracing::info!(
            image = digest,
            layers_present = present,
            fetched_bytes = bytes[present..].iter().sum::<u64>(),
            load_ms = started.elapsed().as_millis(),
            "image loaded"
        );
        self.images().loaded(digest, sizes, self.now());
        Ok(())
    }

    async fn load_archive(
        &self,
        engine: &Engine,
        api: &Api,
        digest: &str,
        archive: &Input,
    ) -> Result<(), Error> {
        self.make_room(engine, archive.size_bytes).await;
        let started = std::time::Instant::now();
        let body = fetch::reader(fetch::open(api.http(), archive).await?);
        engine.load(body, digest).await?;
        tracing::info!(
            image = digest,
            fetched_bytes = archive.size_bytes,
            load_ms = started.elapsed().as_millis(),
            "image loaded from its archive"
        );
        let size = engine.image_bytes(digest).await?;
        let whole = [(digest.to_owned(), size)].into();
        self.images().loaded(digest, whole, self.now());
        Ok(())
    }

    /// Whether there is room for a case run, after images were removed where that helps.
    pub async fn has_room(&self, engine: &Engine) -> bool {
        if !self.space.is_short(0) {
            return true;
        }
        // Whoever loads makes room for it, too.
        let Ok(_turn) = self.turn.try_lock() else {
            return false;
        };
        self.make_room(engine, 0).await;
        !self.space.is_short(0)
    }

    /// Removes what was used longest ago until the budget holds and the disk has its floor, as far as
    /// there is something to remove.
    async fn make_room(&self, engine: &Engine, added_bytes: u64) {
        let mut spared = Vec::new();
        while self.images().is_over_budget(added_bytes) || self.space.is_short(added_bytes) {
            let Some(digest) = self.images().oldest(&spared) else {
                return;
            };
            match engine.remove_image(&digest).await {
                Ok(true) => {
                    tracing::info!(image = digest, "image removed");
                    self.images().removed(&digest);
                }
                // A container runs from it: its turn comes again.
                Ok(false) => spared.push(digest),
                Err(error) => {
                    tracing::warn!(%error, image = digest, "image not removed");
                    spared.push(digest);
                }
            }
        }
    }

    fn pin(&self, digest: &str) -> Pin {
        self.images().pin(digest);
        Pin {
            digest: digest.to_owned(),
            images: self.images.clone(),
        }
    }

    fn images(&self) -> MutexGuard<'_, Images> {
        lock(&self.images)
    }

    /// How many images it would remove if it had to.
    #[cfg(test)]
    pub fn known(&self) -> usize {
        self.images().len()
    }

    fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }
}

fn lock(images: &std::sync::Mutex<Images>) -> MutexGuard<'_, Images> {
    images.lock().unwrap_or_else(PoisonError::into_inner)
}

fn stored(layer: &molar_domain::worker_api::ImageLayer) -> StoredLayer {
    StoredLayer {
        diff_id: layer.diff_id.clone(),
        size_bytes: layer.stored.size_bytes,
        sha256: layer.stored.sha256.clone(),
    }
}

/// Each layer is asked for when its turn comes: a response that waits is one that runs out of time.
fn opener(api: &Api, layers: Vec<Input>) -> OpenLayer {
    let (http, handle) = (api.http().clone(), tokio::runtime::Handle::current());
    Arc::new(move |index| {
        let response = handle.block_on(fetch::open(&http, &layers[index]));
        let response = response.map_err(io::Error::other)?;
        Ok(Box::new(fetch::reader(response)) as Box<dyn Read + Send>)
    })
}
