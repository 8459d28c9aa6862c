//! A case with a GPU where there is one, and an engine that has NVIDIA's container toolkit.

use std::io::Write as _;
use std::process::Command;
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use molar_sandbox::{Finished, Gpu, GpuDevice, Outcome, Spec};
use serde_json::json;

use crate::bench::Bench;
use crate::common::{Image, Tar, base_layer, script_layer};
use crate::plain::PlainEngine;

const HELD_MIB: f64 = 2048.0;
const HELD_MS: f64 = 3000.0;
/// What CUDA itself takes of a card, before and beside what a program asks for, is below.
const CONTEXT_MIB: f64 = 2048.0;
/// Two samples and what it takes to ask.
const EDGES_MS: f64 = 250.0;
const IDLE_SLACK_MIB: f64 = 64.0;

const SCRIPT: &str = "sleep 0.5\n\
    cd /opt/algorithm\n\
    lib/ld-linux-x86-64.so.2 --library-path lib:/usr/lib/x86_64-linux-gnu:/usr/lib64 ./hold 2048 3000\n\
    echo \"code $?\"\n";
/// Of the driver's library in the container.
const LIBRARIES: [&str; 6] = [
    "/lib64/ld-linux-x86-64.so.2",
    "/lib/x86_64-linux-gnu/libc.so.6",
    "/lib/x86_64-linux-gnu/libm.so.6",
    "/lib/x86_64-linux-gnu/libdl.so.2",
    "/lib/x86_64-linux-gnu/libpthread.so.0",
    "/lib/x86_64-linux-gnu/librt.so.1",
];

/// The first card of this host, with what is used of it, or a line that the test was skipped.
fn card(test: &str) -> Option<(Gpu, GpuDevice)> {
    let found = Gpu::detect().and_then(|gpu| {
        let card = gpu.inventory().unwrap().devices.into_iter().next()?;
        Some((gpu, card))
    });
    if found.is_none() {
        // Not `eprintln`, which the test harness would keep to itself.
        let line = format!("SKIPPED gpu: {test}\n");
        std::io::stderr().write_all(line.as_bytes()).unwrap();
    }
    found
}

/// Asks for every GPU, as an image made with NVIDIA's own does.
fn image() -> Image {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("hold");
    let built = Command::new("cc")
        .args(["-O1", "-o"])
        .arg(&program)
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/gpu/hold.c"))
        .arg("-ldl")
        .status();
    assert!(built.unwrap().success());
    let mut layer = Tar::new().file(
        "opt/algorithm/hold",
        0o755,
        &std::fs::read(&program).unwrap(),
    );
    for library in LIBRARIES {
        let name = library.rsplit('/').next().unwrap();
        let path = format!("opt/algorithm/lib/{name}");
        layer = layer.file(&path, 0o755, &std::fs::read(library).unwrap());
    }
    Image::of(vec![base_layer(), script_layer(SCRIPT), layer.finish()])
        .process("User", json!("1000"))
        .process("Env", json!(["PATH=/bin", "NVIDIA_VISIBLE_DEVICES=all"]))
}

async fn bench(engine: &PlainEngine, gpu: Gpu, card: Option<&GpuDevice>) -> Bench {
    let socket = engine.socket().display().to_string();
    let mut bench = Bench::new(&socket, &image()).await;
    bench.engine = bench.engine.clone().with_gpu(Some(gpu));
    bench.spec = Spec {
        gpu: card.map(|card| card.uuid.clone()),
        memory_bytes: 4 << 30,
        ..bench.spec.clone()
    };
    bench
}

/// Looks every few milliseconds until told to end: when, what was used, and by whom while most was.
struct Watch {
    looks: Vec<(f64, f64)>,
    /// Names of programs.
    holders: Vec<String>,
}

impl Watch {
    fn over(gpu: &Gpu, id: &str, ended: &std::sync::mpsc::Receiver<()>) -> Self {
        let (begun, mut watch) = (
            Instant::now(),
            Self {
                looks: vec![],
                holders: vec![],
            },
        );
        while ended.recv_timeout(Duration::from_millis(10)) == Err(RecvTimeoutError::Timeout) {
            let used = gpu.used_mib(id).unwrap();
            watch.looks.push((begun.elapsed().as_secs_f64(), used));
            if used >= HELD_MIB && watch.holders.is_empty() {
                let pids = gpu.pids(id).unwrap();
                watch.holders = pids.into_iter().map(name).collect();
            }
        }
        watch
    }

    /// MiB·s above what an idle card uses.
    fn area(&self, idle_mib: f64) -> f64 {
        let steps = self.looks.windows(2);
        steps
            .map(|pair| (pair[1].0 - pair[0].0) * (pair[0].1 - idle_mib).max(0.0))
            .sum()
    }
}

fn name(pid: u32) -> String {
    let name = std::fs::read_to_string(format!("/proc/{pid}/comm"));
    name.map_or_else(|_| pid.to_string(), |name| name.trim().to_owned())
}

/// Milliseconds of the wall clock at which the program said this.
fn said(finished: &Finished, what: &str) -> f64 {
    let log = finished.log.to_text();
    let mut lines = log.lines();
    let at = lines.find_map(|line| line.strip_prefix(what)?.trim().parse().ok());
    at.unwrap_or_else(|| panic!("{what}: {log}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_case_takes_of_a_real_gpu_is_measured_and_comes_back() {
    let test = "what_a_case_takes_of_a_real_gpu_is_measured_and_comes_back";
    let Some((gpu, card)) = card(test) else {
        return;
    };
    let engine = PlainEngine::start().await;
    let idle = gpu.used_mib(&card.uuid).unwrap();
    let bench = bench(&engine, gpu.clone(), Some(&card)).await;

    let (end, ended) = std::sync::mpsc::channel();
    let (watched, id) = (gpu.clone(), card.uuid.clone());
    let watch = std::thread::spawn(move || Watch::over(&watched, &id, &ended));
    let finished = bench.run().await;
    drop(end);
    let watch = watch.join().unwrap();

    let log = finished.log.to_text();
    assert_eq!(
        finished.outcome,
        Outcome::Finished { exit_code: 0 },
        "{log}"
    );
    assert!(
        log.contains("devices 1\n") && log.contains("code 0\n"),
        "{log}"
    );
    let usage = &finished.usage;
    let baseline = usage.gpu_baseline_mib.unwrap();
    assert!(
        (baseline - idle).abs() <= IDLE_SLACK_MIB,
        "{baseline} {idle}"
    );
    let peak = usage.gpu_peak_mib.unwrap() - idle;
    assert!((HELD_MIB..HELD_MIB + CONTEXT_MIB).contains(&peak), "{peak}");

    // While the program held it, and no longer.
    let held_ms = said(&finished, "ends") - said(&finished, "held");
    assert!((held_ms - HELD_MS).abs() < EDGES_MS, "{held_ms}");
    let is_high = |used: f64| used - idle >= HELD_MIB;
    let high: Vec<_> = usage
        .samples
        .iter()
        .filter(|sample| sample.gpu_used_mib.is_some_and(is_high))
        .map(|sample| sample.t_ms as f64)
        .collect();
    let seen_ms = high.last().unwrap() - high.first().unwrap();
    assert!(
        (seen_ms - held_ms).abs() < 2.0 * EDGES_MS,
        "{seen_ms} {held_ms}"
    );

    // The same memory by another clock and ten times as often.
    let area = usage.gpu_area_mib_s.unwrap() - idle * finished.wall_ms as f64 / 1000.0;
    let other = watch.area(idle);
    assert!((area - other).abs() < 0.1 * other, "{area} {other}");
    assert_eq!(watch.holders, ["ld-linux-x86-64"]);
    eprintln!(
        "{}: idle {idle} MiB, peak +{peak} MiB, held {held_ms} ms, seen {seen_ms} ms, \
         area {area:.0} MiB s, every 10 ms {other:.0} MiB s, {} samples in {} ms, \
         sampling took {:?}",
        card.name,
        usage.samples.len(),
        finished.wall_ms,
        usage.sampling_cpu
    );

    let back = gpu.settle(&card.uuid, idle, Duration::from_secs(10)).await;
    assert!(back.unwrap().is_ok());
    assert_eq!(gpu.pids(&card.uuid).unwrap(), Vec::<u32>::new());
}

#[tokio::test]
async fn a_case_that_owns_no_gpu_is_shown_none_on_a_host_that_has_one() {
    let test = "a_case_that_owns_no_gpu_is_shown_none_on_a_host_that_has_one";
    let Some((gpu, _)) = card(test) else { return };
    let engine = PlainEngine::start().await;
    let finished = bench(&engine, gpu, None).await.run().await;
    let log = finished.log.to_text();
    assert!(!log.contains("held") && !log.contains("code 0\n"), "{log}");
    assert_eq!(finished.usage.gpu_area_mib_s, None);
}
