//! A case with a GPU where there is none: an engine that believes in one, and a series to be replayed.

#![expect(clippy::unwrap_used, reason = "tests")]

#[path = "common/bench.rs"]
mod bench;
mod common;
#[path = "common/plain.rs"]
mod plain;
#[path = "gpu/real.rs"]
mod real;

use std::os::unix::fs::PermissionsExt as _;

use bench::{Bench, socket};
use common::Image;
use molar_sandbox::{Gpu, Outcome, Recording, Spec};
use plain::PlainEngine;
use serde_json::json;

/// The engine asks for an NVIDIA hook on its path; this one gives nothing to the container.
const HOOK: &str = "#!/bin/sh\nexit 0\n";

#[tokio::test]
async fn a_case_owns_its_gpu_and_what_is_used_of_it_is_measured() {
    let test = "a_case_owns_its_gpu_and_what_is_used_of_it_is_measured";
    if socket(test).is_none() {
        return;
    }
    let drivers = tempfile::tempdir().unwrap();
    let hook = drivers.path().join("nvidia-container-runtime-hook");
    std::fs::write(&hook, HOOK).unwrap();
    std::fs::set_permissions(&hook, std::fs::Permissions::from_mode(0o755)).unwrap();
    let engine = PlainEngine::start_with(drivers.path()).await;
    let script = "echo \"sees $NVIDIA_VISIBLE_DEVICES\"\nsleep 1";
    let image = Image::with_script(script).process("User", json!("1000"));
    let socket = engine.socket().display().to_string();
    let mut bench = Bench::new(&socket, &image).await;
    let gpu = Gpu::replay(Recording::from_json(include_str!("gpu/made.json")).unwrap());
    let card = gpu.inventory().unwrap().devices.remove(0);
    bench.engine = bench.engine.clone().with_gpu(Some(gpu));
    bench.spec = Spec {
        gpu: Some(card.uuid.clone()),
        ..bench.spec.clone()
    };
    let finished = bench.run().await;
    assert_eq!(finished.outcome, Outcome::Finished { exit_code: 0 });
    let log = finished.log.to_text();
    assert!(log.contains(&format!("sees {}\n", card.uuid)), "{log}");
    let usage = &finished.usage;
    assert_eq!(usage.gpu_baseline_mib, Some(512.0));
    // Constant, so a rectangle over the wall time, however it was sampled.
    let rectangle = 512.0 * finished.wall_ms as f64 / 1000.0;
    let area = usage.gpu_area_mib_s.unwrap();
    assert!(
        (area - rectangle).abs() < 1e-6 * rectangle,
        "{area} {rectangle}"
    );
}
