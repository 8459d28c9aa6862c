//! A slot: claims one case run after the other.

use std::sync::Arc;
use std::time::{Duration, Instant};

use molar_domain::worker_api::Claim;
use tokio_util::sync::CancellationToken;

use crate::api::Error;
use crate::case::Context;
use crate::lease::Moment;
use crate::run::Slot;

/// Without a message from the broker the worker asks this often.
const POLL_EVERY: Duration = Duration::from_secs(5);
const TELL_EVERY: Duration = Duration::from_secs(60);

pub async fn work(context: Arc<Context>, slot: Slot, stop: CancellationToken) {
    let mut told = None;
    while !stop.is_cancelled() {
        // Registered before asking, so that a bell between answer and sleep is heard.
        let rung = context.doorbell.bell.notified();
        tokio::pin!(rung);
        rung.as_mut().enable();
        if !context.doorbell.is_draining()
            && has_room(&context, &mut told).await
            && claim_one(&context, &slot).await
        {
            continue;
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = &mut rung => {}
            () = tokio::time::sleep(POLL_EVERY) => {}
        }
    }
}

/// A case run that meets a full disk fails by our fault, and is claimed again at once by the same worker.
async fn has_room(context: &Context, told: &mut Option<Instant>) -> bool {
    if context.loader.has_room(&context.engine).await {
        *told = None;
        return true;
    }
    if told.is_none_or(|at| at.elapsed() > TELL_EVERY) {
        tracing::error!("too little free disk: nothing is claimed until there is more");
        *told = Some(Instant::now());
    }
    false
}

/// Whether there was something to run.
async fn claim_one(context: &Context, slot: &Slot) -> bool {
    let images = match context.engine.list_images().await {
        Ok(images) => images,
        Err(error) => {
            // What is claimed now could only be given back.
            tracing::warn!(%error, "nothing claimed while the engine does not answer");
            return false;
        }
    };
    let has_gpu = match &slot.card {
        Some(card) => card.look().await,
        None => false,
    };
    let claim = Claim {
        images,
        hint: context.doorbell.next_hint(),
        has_gpu,
    };
    let asked_at = Moment::now();
    match context.api.claim(&claim).await {
        Ok(Some(grant)) => {
            // Another slot may find more.
            context.doorbell.bell.notify_one();
            context.handle(grant, asked_at, slot).await;
            true
        }
        Ok(None) => false,
        Err(error @ (Error::Away(_) | Error::Stale)) => {
            tracing::debug!(%error, "nothing claimed");
            false
        }
        Err(error @ Error::Refused(_)) => {
            tracing::error!(%error, "nothing claimed");
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::canary::Reader;
    use std::collections::BTreeMap;
    use std::io::Write as _;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use molar_domain::SystemClock;
    use molar_domain::worker_api::Device;
    use molar_sandbox::Engine;
    use tokio::net::TcpListener;

    use super::*;
    use crate::api::Api;
    use crate::doorbell::Doorbell;
    use crate::images::Images;
    use crate::load::Loader;
    use crate::space::Space;

    const OLD: &str = "sha256:0000000000000000000000000000000000000000000000000000000000000000";

    /// A platform that has no work, and counts who asks.
    async fn platform() -> (url::Url, Arc<AtomicUsize>) {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(AtomicUsize::new(0));
        let counted = asked.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::SeqCst);
                let _ = stream.read(&mut [0; 4096]).await;
                let answer = b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n";
                let _ = stream.write_all(answer).await;
            }
        });
        (url.parse().unwrap(), asked)
    }

    /// A worker whose disk must have `floor_bytes` free, and that loaded one image in an earlier life.
    async fn context(socket: &str, url: &url::Url, floor_bytes: u64) -> Context {
        let folder = std::env::temp_dir().join(uuid::Uuid::new_v4().to_string());
        let mut images = Images::open(folder, u64::MAX);
        images.loaded(OLD, BTreeMap::new(), chrono::DateTime::UNIX_EPOCH);
        let space = Space::new([std::env::temp_dir()], floor_bytes);
        Context {
            api: Api::new(url).unwrap().with_key("key".to_owned().into()),
            engine: Engine::connect(socket).await.unwrap(),
            loader: Loader::new(images, space, Arc::new(SystemClock)),
            reader: Reader::default(),
            doorbell: Doorbell::default(),
            cases: std::env::temp_dir(),
            abandon: CancellationToken::new(),
        }
    }

    fn slot() -> Slot {
        Slot {
            index: 0,
            card: None,
            device: Device::default(),
            runtime: None,
            worker: "test".into(),
            free_bytes: 0,
        }
    }

    /// How often work is asked for in a while, and how many images are left then.
    async fn claims_of(socket: &str, floor_bytes: u64) -> (usize, usize) {
        // As the binary does; a second one changes nothing.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let (url, asked) = platform().await;
        let context = Arc::new(context(socket, &url, floor_bytes).await);
        let work = work(context.clone(), slot(), CancellationToken::new());
        // It asks at once or in five seconds.
        let _ = tokio::time::timeout(Duration::from_secs(2), work).await;
        (asked.load(Ordering::SeqCst), context.loader.known())
    }

    #[tokio::test]
    async fn a_worker_with_a_full_disk_removes_its_images_and_claims_nothing() {
        let Ok(socket) = std::env::var("MOLAR_TEST_DOCKER") else {
            let name = "a_worker_with_a_full_disk_removes_its_images_and_claims_nothing";
            writeln!(std::io::stderr(), "SKIPPED docker: {name}").unwrap();
            return;
        };
        assert_eq!(claims_of(&socket, u64::MAX).await, (0, 0));
        assert_eq!(claims_of(&socket, 0).await, (1, 1));
    }
}
