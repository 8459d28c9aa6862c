//! Getting the image onto the engine, once however many slots want it.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::sync::{Arc, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use molar_domain::Clock;
use molar_domain::worker_api::{Grant, ImageLayers, ImageSource, Input, Leased};
use molar_sandbox::Engine;
use molar_sandbox::image::{OpenLayer, StoredImage, StoredLayer};
use tokio::sync::{Mutex, RwLock};

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

    /// A load that went on would fill the disk under the runs of the other slots.
    #[error(
        "no room for the image: it adds {added_bytes} bytes, {floor_bytes} have to stay free, {free_bytes} are"
    )]
    NoRoom {
        added_bytes: u64,
        floor_bytes: u64,
        free_bytes: u64,
    },
}

/// Unpacked bytes by layer.
type Layers = BTreeMap<String, u64>;

/// A config is a list of commands and variables.
const CONFIG_BYTES: u64 = 8 << 20;

/// One load at a time: two at once would each need the disk and the network for themselves.
pub struct Loader {
    turn: Mutex<()>,
    /// Written while an image is removed. Whoever pinned an image and reads this after it finds it there to
    /// stay, or gone.
    removals: Arc<RwLock<()>>,
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
            removals: Arc::default(),
            images: Arc::new(std::sync::Mutex::new(images)),
            space,
            clock,
        }
    }

    pub async fn ensure(&self, engine: &Engine, api: &Api, grant: &Grant) -> Result<Pin, Error> {
        let digest = &grant.image_digest;
        let pin = self.pin(digest);
        if self.has(engine, &pin).await? {
            return Ok(pin);
        }
        let _turn = self.turn.lock().await;
        if self.has(engine, &pin).await? {
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
        self.evict(engine, &Layers::new()).await;
        Ok(pin)
    }

    /// Whether the engine has the image, which then stays as long as the pin.
    async fn has(&self, engine: &Engine, pin: &Pin) -> Result<bool, Error> {
        drop(self.removals.read().await);
        let is_there = engine.has_image(&pin.digest).await?;
        if is_there {
            self.images().used(&pin.digest, self.now());
        }
        Ok(is_there)
    }

    async fn load_layers(
        &self,
        engine: &Engine,
        api: &Api,
        digest: &str,
        image: ImageLayers,
    ) -> Result<(), Error> {
        let sizes: Layers = (image.layers.iter())
            .map(|layer| (layer.diff_id.clone(), layer.unpacked_bytes))
            .collect();
        self.images().loading(digest, sizes.clone(), self.now());
        self.make_room(engine, &sizes).await?;
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
        let packed = Layers::from([(digest.to_owned(), archive.size_bytes)]);
        self.images().loading(digest, packed.clone(), self.now());
        self.make_room(engine, &packed).await?;
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
        self.settle(engine).await;
        self.evict(engine, &Layers::new()).await;
        !self.space.is_short(0)
    }

    /// Makes room for an image of `layers`, or fails with [`Error::NoRoom`]: at once, if the removal of all
    /// that may go would not do.
    async fn make_room(&self, engine: &Engine, layers: &Layers) -> Result<(), Error> {
        self.settle(engine).await;
        if !self.could_have_room(layers) {
            return Err(self.no_room(layers));
        }
        self.evict(engine, layers).await;
        let added_bytes = self.images().added_bytes(layers);
        match self.space.is_short(added_bytes) {
            true => Err(self.no_room(layers)),
            false => Ok(()),
        }
    }

    fn could_have_room(&self, layers: &Layers) -> bool {
        let images = self.images();
        let at_best = (self.space.free_bytes()).saturating_add(images.evictable_bytes(layers));
        let needed = (self.space.floor_bytes()).saturating_add(images.added_bytes(layers));
        at_best >= needed
    }

    fn no_room(&self, layers: &Layers) -> Error {
        Error::NoRoom {
            added_bytes: self.images().added_bytes(layers),
            floor_bytes: self.space.floor_bytes(),
            free_bytes: self.space.free_bytes(),
        }
    }

    /// Asks the engine what became of the loads that were cut short.
    async fn settle(&self, engine: &Engine) {
        let unsettled = self.images().unsettled();
        for digest in unsettled {
            match engine.has_image(&digest).await {
                Ok(is_there) => self.images().settle(&digest, is_there, self.now()),
                Err(error) => tracing::warn!(%error, image = digest, "image not looked for"),
            }
        }
    }

    /// Removes what was used longest ago until the budget holds and the disk has its floor with `layers` on
    /// it, as far as there is something to remove.
    async fn evict(&self, engine: &Engine, layers: &Layers) {
        let mut spared = Vec::new();
        while self.is_tight(layers) && self.remove_oldest(engine, &mut spared).await {}
    }

    fn is_tight(&self, layers: &Layers) -> bool {
        let images = self.images();
        // Grows when an image goes that has layers of this one.
        let added_bytes = images.added_bytes(layers);
        images.is_over_budget(added_bytes) || self.space.is_short(added_bytes)
    }

    /// False if there is nothing to remove.
    async fn remove_oldest(&self, engine: &Engine, spared: &mut Vec<String>) -> bool {
        let alone = self.removals.clone().write_owned().await;
        let Some(digest) = self.images().oldest(spared) else {
            return false;
        };
        let (engine, images, image) = (engine.clone(), self.images.clone(), digest.clone());
        // A task of its own: the engine goes on when whoever waits here is cancelled.
        let removal = tokio::spawn(async move {
            let _alone = alone;
            match engine.remove_image(&image).await {
                Ok(true) => {
                    tracing::info!(image, "image removed");
                    lock(&images).removed(&image);
                    true
                }
                Ok(false) => false,
                Err(error) => {
                    tracing::warn!(%error, image, "image not removed");
                    false
                }
            }
        });
        if !removal.await.unwrap_or(false) {
            // A container runs from it, or the engine would not: its turn comes again.
            spared.push(digest);
        }
        true
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

#[cfg(test)]
mod tests;
