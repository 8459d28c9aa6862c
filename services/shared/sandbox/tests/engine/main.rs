//! Each limit against a real engine, with a container that tries it.

#![expect(clippy::unwrap_used, reason = "tests")]

#[path = "../common/mod.rs"]
mod common;
#[macro_use]
#[path = "../common/bench.rs"]
mod bench;
mod images;
mod isolation;
mod layers;
mod leftovers;
mod limits;
mod runs;
mod scripts;

use std::time::{Duration, Instant};

use bench::socket;
use molar_sandbox::Engine;

#[tokio::test]
async fn the_engine_tells_what_it_is() {
    let Some(socket) = socket("the_engine_tells_what_it_is") else {
        return;
    };
    let info = Engine::connect(&socket)
        .await
        .unwrap()
        .info()
        .await
        .unwrap();
    assert!(info.runtimes.iter().any(|name| name == "runc"), "{info:?}");
    assert!(info.ncpu > 0 && info.memory_bytes > 0 && !info.version.is_empty());
}

#[tokio::test]
async fn no_engine_is_an_error_at_once() {
    let before = Instant::now();
    assert!(Engine::connect("/nowhere/docker.sock").await.is_err());
    assert!(before.elapsed() < Duration::from_secs(1));
}
