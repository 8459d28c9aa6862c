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
