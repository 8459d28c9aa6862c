//! An engine as it comes: root of its containers is root of the host.

#![allow(dead_code, reason = "tests, of which each uses a part")]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use molar_sandbox::Engine;

const SYSTEM: &str = "/usr/sbin:/usr/bin:/sbin:/bin";

pub struct PlainEngine {
    daemon: Child,
    /// Its data, and the socket.
    folder: tempfile::TempDir,
}

impl PlainEngine {
    pub async fn start() -> Self {
        Self::start_with(Path::new("/nowhere")).await
    }

    /// One that finds programs in this folder first.
    pub async fn start_with(programs: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        std::fs::write(path("daemon.json"), "{}").unwrap();
        let daemon = Command::new("/usr/sbin/dockerd")
            .args(["--host", &format!("unix://{}", path("docker.sock"))])
            .args(["--config-file", &path("daemon.json")])
            .args(["--data-root", &path("data"), "--exec-root", &path("exec")])
            .args(["--pidfile", &path("docker.pid")])
            .args(["--bridge=none", "--iptables=false", "--ip6tables=false"])
            .env("PATH", format!("{}:{SYSTEM}", programs.display()))
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let engine = Self { daemon, folder };
        let deadline = Instant::now() + Duration::from_secs(30);
        while Engine::connect(engine.socket()).await.is_err() {
            assert!(Instant::now() < deadline, "dockerd does not answer");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        engine
    }

    pub fn socket(&self) -> PathBuf {
        self.folder.path().join("docker.sock")
    }
}

impl Drop for PlainEngine {
    /// TERM, and it ends its own children.
    fn drop(&mut self) {
        let pid = i32::try_from(self.daemon.id()).unwrap();
        let pid = rustix::process::Pid::from_raw(pid).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        self.daemon.wait().unwrap();
    }
}
