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
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;
    use std::time::Duration;

    use molar_domain::SystemClock;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::{UnixListener, UnixStream};
    use tokio::sync::Semaphore;

    use super::*;

    /// An engine that has some images, and removes one for each permit.
    struct Daemon {
        images: std::sync::Mutex<BTreeSet<String>>,
        removals: Semaphore,
        /// A permit for each removal that was asked for.
        asked: Semaphore,
    }

    impl Daemon {
        async fn start(images: &[&str], removals: usize) -> (Arc<Self>, Engine, tempfile::TempDir) {
            let folder = tempfile::tempdir().unwrap();
            let socket = folder.path().join("docker.sock");
            let listener = UnixListener::bind(&socket).unwrap();
            let daemon = Arc::new(Self {
                images: std::sync::Mutex::new(images.iter().map(|&image| image.into()).collect()),
                removals: Semaphore::new(removals),
                asked: Semaphore::new(0),
            });
            let serving = daemon.clone();
            tokio::spawn(async move {
                while let Ok((stream, _)) = listener.accept().await {
                    let daemon = serving.clone();
                    tokio::spawn(async move { daemon.answer(stream).await });
                }
            });
            let engine = Engine::connect(&socket).await.unwrap();
            (daemon, engine, folder)
        }

        async fn answer(&self, mut stream: UnixStream) {
            let mut request = vec![0; 4096];
            let read = stream.read(&mut request).await.unwrap();
            let request = String::from_utf8_lossy(&request[..read]);
            // The sandbox also connects only to see who listens.
            let Some(path) = request.split(' ').nth(1) else {
                return;
            };
            let image = path.split_once("/images/").map(|(_, rest)| {
                let end = rest.find(['/', '?']).unwrap_or(rest.len());
                rest[..end].replace("%3A", ":")
            });
            let (status, body) = match image {
                Some(image) if request.starts_with("DELETE") => {
                    self.asked.add_permits(1);
                    self.removals.acquire().await.unwrap().forget();
                    self.images.lock().unwrap().remove(&image);
                    (200, "[]".to_owned())
                }
                Some(image) if self.images.lock().unwrap().contains(&image) => {
                    (200, format!(r#"{{"Id":"{image}"}}"#))
                }
                Some(_) => (404, r#"{"message":"no such image"}"#.to_owned()),
                None if path.contains("version") => (200, r#"{"ApiVersion":"1.44"}"#.to_owned()),
                None => (200, "{}".to_owned()),
            };
            let answer = format!(
                "HTTP/1.1 {status} Any\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
                 connection: close\r\n\r\n{body}",
                body.len()
            );
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    }

    fn layers(id: &str, bytes: u64) -> Layers {
        [(id.to_owned(), bytes)].into()
    }

    fn at(minute: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + chrono::TimeDelta::minutes(minute)
    }

    fn loader(folder: &Path, images: Images, floor_bytes: u64) -> Loader {
        let space = Space::new([folder.to_owned()], floor_bytes);
        Loader::new(images, space, Arc::new(SystemClock))
    }

    fn images(folder: &Path, budget_bytes: u64) -> Images {
        Images::open(folder.join("images.json"), budget_bytes)
    }

    const MUCH: u64 = u64::MAX / 2;

    #[tokio::test]
    async fn an_image_that_cannot_fit_is_refused_and_nothing_removed_for_it() {
        let (_daemon, engine, folder) = Daemon::start(&["old"], 1).await;
        let mut images = images(folder.path(), u64::MAX);
        images.loaded("old", layers("old", 1), at(1));
        let loader = loader(folder.path(), images, 7);
        let refused = loader.make_room(&engine, &layers("new", MUCH)).await;
        let error = refused.unwrap_err();
        assert!(matches!(
            error,
            Error::NoRoom { added_bytes: MUCH, floor_bytes: 7, free_bytes } if free_bytes < MUCH
        ));
        assert_eq!(loader.known(), 1);
    }

    #[tokio::test]
    async fn of_an_image_that_cannot_fit_no_byte_is_fetched() {
        // As the binary does; a second one changes nothing.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let (_daemon, engine, folder) = Daemon::start(&[], 1).await;
        let loader = loader(folder.path(), images(folder.path(), u64::MAX), 7);
        let nowhere = "http://127.0.0.1:1/".parse().unwrap();
        let api = Api::new(&nowhere).unwrap();
        let file = |size_bytes| Input {
            url: "http://127.0.0.1:1/file".into(),
            name: "file".into(),
            size_bytes,
            sha256: "ab".repeat(32),
        };
        let image = ImageLayers {
            config: file(2),
            layers: vec![molar_domain::worker_api::ImageLayer {
                diff_id: "sha256:1".into(),
                unpacked_bytes: MUCH,
                stored: file(9),
            }],
        };
        let refused = loader.load_layers(&engine, &api, "new", image).await;
        assert!(matches!(refused, Err(Error::NoRoom { .. })), "{refused:?}");
        let archive = file(MUCH);
        let refused = loader.load_archive(&engine, &api, "new", &archive).await;
        assert!(matches!(refused, Err(Error::NoRoom { .. })), "{refused:?}");
    }

    #[tokio::test]
    async fn an_image_is_refused_also_when_removals_won_less_than_was_thought() {
        let (_daemon, engine, folder) = Daemon::start(&["old"], 1).await;
        let mut images = images(folder.path(), u64::MAX);
        images.loaded("old", layers("old", MUCH), at(1));
        let loader = loader(folder.path(), images, 0);
        let refused = loader.make_room(&engine, &layers("new", MUCH)).await;
        assert!(matches!(refused, Err(Error::NoRoom { .. })));
        assert_eq!(loader.known(), 0);
    }

    #[tokio::test]
    async fn no_more_is_removed_than_the_image_needs() {
        let (daemon, engine, folder) = Daemon::start(&["a", "b"], 2).await;
        let mut images = images(folder.path(), 100);
        images.loaded("a", layers("a", 40), at(1));
        images.loaded("b", layers("b", 40), at(2));
        let loader = loader(folder.path(), images, 0);
        let room = loader.make_room(&engine, &layers("new", 30)).await;
        room.unwrap();
        assert_eq!(*daemon.images.lock().unwrap(), ["b".to_owned()].into());
    }

    #[tokio::test]
    async fn an_image_that_came_after_its_load_was_cut_short_is_removed_like_others() {
        let (daemon, engine, folder) = Daemon::start(&["late"], 1).await;
        images(folder.path(), 100).loading("late", layers("late", 90), at(1));
        let loader = loader(folder.path(), images(folder.path(), 100), 0);
        let room = loader.make_room(&engine, &layers("new", 30)).await;
        room.unwrap();
        assert!(daemon.images.lock().unwrap().is_empty());
        assert_eq!(loader.known(), 0);
    }

    #[tokio::test]
    async fn an_image_that_is_being_removed_is_not_taken_for_there() {
        let (daemon, engine, folder) = Daemon::start(&["old"], 0).await;
        let mut images = images(folder.path(), u64::MAX);
        images.loaded("old", layers("old", 1), at(1));
        let loader = Arc::new(loader(folder.path(), images, u64::MAX));
        let evicting = tokio::spawn({
            let (loader, engine) = (loader.clone(), engine.clone());
            async move { loader.has_room(&engine).await }
        });
        daemon.asked.acquire().await.unwrap().forget();
        // The engine goes on with it.
        evicting.abort();
        let pin = loader.pin("old");
        let mut looking = Box::pin(loader.has(&engine, &pin));
        let early = tokio::time::timeout(Duration::from_millis(200), &mut looking).await;
        assert!(early.is_err(), "it was there, but not to stay");
        daemon.removals.add_permits(1);
        assert!(!looking.await.unwrap());
        assert_eq!(loader.known(), 0);
    }
}
