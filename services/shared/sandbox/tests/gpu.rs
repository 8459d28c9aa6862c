//! A case with a GPU where there is none: an engine that believes in one, and a series to be replayed.

#![expect(clippy::unwrap_used, reason = "tests")]

#[path = "common/bench.rs"]
mod bench;
mod common;

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use bench::{Bench, socket};
use common::Image;
use molar_sandbox::{Gpu, Outcome, Recording, Spec};

/// The engine asks for an NVIDIA hook on its path; this one gives nothing to the container.
const HOOK: &str = "#!/bin/sh\nexit 0\n";

struct Daemon {
    child: Child,
    folder: tempfile::TempDir,
}

impl Daemon {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let hook = at("nvidia-container-runtime-hook");
        std::fs::write(&hook, HOOK).unwrap();
        std::fs::set_permissions(&hook, std::fs::Permissions::from_mode(0o755)).unwrap();
        std::fs::write(at("daemon.json"), "{}").unwrap();
        let flag = |name: &str, value: PathBuf| format!("--{name}={}", value.display());
        let log = std::fs::File::create(at("log")).unwrap();
        let path = std::env::var("PATH").unwrap_or_default();
        let child = Command::new("/usr/sbin/dockerd")
            .env(
                "PATH",
                format!("{}:{path}:/usr/sbin", folder.path().display()),
            )
            .arg(format!("--host=unix://{}", at("socket").display()))
            .args([
                flag("config-file", at("daemon.json")),
                flag("data-root", at("data")),
                flag("exec-root", at("exec")),
                flag("pidfile", at("pid")),
            ])
            .args(["--bridge=none", "--iptables=false", "--ip6tables=false"])
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        Self { child, folder }
    }

    async fn socket(&self) -> String {
        let socket = self.folder.path().join("socket").display().to_string();
        let deadline = Instant::now() + Duration::from_secs(60);
        while molar_sandbox::Engine::connect(&socket).await.is_err() {
            let log = self.folder.path().join("log");
            let log = || std::fs::read_to_string(&log).unwrap();
            assert!(Instant::now() < deadline, "no engine: {}", log());
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        socket
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn a_case_owns_its_gpu_and_what_is_used_of_it_is_measured() {
    let test = "a_case_owns_its_gpu_and_what_is_used_of_it_is_measured";
    let is_root = rustix::process::getuid().is_root();
    if socket(test).is_none() || !is_root || !Path::new("/usr/sbin/dockerd").exists() {
        return;
    }
    let daemon = Daemon::start();
    let image = Image::with_script("echo \"sees $NVIDIA_VISIBLE_DEVICES\"\nsleep 1");
    let mut bench = Bench::new(&daemon.socket().await, &image).await;
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
