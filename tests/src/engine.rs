//! A Docker Engine that a test may kill, and a look at the containers of any engine.

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::Context as _;
use bollard::models::ContainerCreateBody;
use bollard::query_parameters::{CreateContainerOptions, ListContainersOptions, ListImagesOptions};
use bollard::{API_DEFAULT_VERSION, Docker};
use rustix::process::Signal;
use tempfile::TempDir;

use crate::mounts;
use crate::processes::{self, Process};
use crate::until;

const PATIENCE: Duration = Duration::from_secs(60);

/// `dockerd` in a folder of its own, started by hand so that nobody brings it back. Ends with its owner.
pub struct Engine {
    place: TempDir,
    daemon: Option<Child>,
}

/// Only root can start one.
pub fn is_startable() -> bool {
    rustix::process::getuid().is_root() && Path::new("/usr/sbin/dockerd").exists()
}

impl Engine {
    pub async fn start() -> anyhow::Result<Self> {
        let place = tempfile::Builder::new().prefix("molar-engine-").tempdir()?;
        // Root of the containers, another user out here, walks through it.
        fs::set_permissions(place.path(), fs::Permissions::from_mode(0o711))?;
        fs::write(place.path().join("daemon.json"), "{}\n")?;
        let mut engine = Self {
            place,
            daemon: None,
        };
        engine.up().await?;
        Ok(engine)
    }

    /// Starts the daemon on the folder, as it is.
    pub async fn up(&mut self) -> anyhow::Result<()> {
        let at = |name: &str| self.place.path().join(name);
        let flag = |name: &str, value: PathBuf| format!("--{name}={}", value.display());
        let log = fs::File::options()
            .create(true)
            .append(true)
            .open(at("log"))?;
        let mut command = Command::new("/usr/sbin/dockerd");
        command
            .arg(format!("--host=unix://{}", self.socket().display()))
            .args([
                flag("config-file", at("daemon.json")),
                flag("data-root", at("data")),
                flag("exec-root", at("exec")),
                flag("pidfile", at("pid")),
            ])
            .args(["--bridge=none", "--iptables=false", "--ip6tables=false"])
            .arg("--userns-remap=default")
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        self.daemon = Some(command.spawn()?);
        until("the engine", PATIENCE, async || {
            connect(&self.socket())?.ping().await?;
            Ok(Some(()))
        })
        .await
    }

    pub fn socket(&self) -> PathBuf {
        self.place.path().join("socket")
    }

    /// SIGKILL, and the wait for its end.
    pub fn kill(&mut self) -> anyhow::Result<()> {
        let mut daemon = self.daemon.take().context("it does not run")?;
        daemon.kill()?;
        daemon.wait()?;
        // Its containerd goes with it. The next daemon would take whoever has the numbers by then, a zombie
        // even, for these two.
        for file in ["pid", "exec/containerd/containerd.pid"] {
            fs::remove_file(self.place.path().join(file))?;
        }
        Ok(())
    }

    /// Processes inside of containers. The shim of one that ended while no daemon was there may stay.
    pub fn contained(&self) -> Vec<Process> {
        let all = processes::belonging("of no system", &[self.place.path().to_owned()]);
        let is_shim = |process: &Process| process.command_line().contains("containerd-shim");
        let shims = all.into_iter().filter(is_shim);
        shims
            .flat_map(|shim| processes::tree(shim.pid).into_iter().skip(1))
            .collect()
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        if let Some(mut daemon) = self.daemon.take() {
            if let Some(process) = i32::try_from(daemon.id()).ok().and_then(Process::of) {
                let _ = process.signal(Signal::TERM);
            }
            let _ = daemon.wait();
        }
        for one in processes::belonging("of no system", &[self.place.path().to_owned()]) {
            let _ = one.signal(Signal::KILL);
        }
        mounts::take_down(self.place.path());
    }
}

fn connect(socket: &Path) -> anyhow::Result<Docker> {
    let socket = socket.to_string_lossy();
    Ok(Docker::connect_with_unix(&socket, 20, API_DEFAULT_VERSION)?)
}

/// A container that nobody has in hand, as a worker's of which it lost sight.
pub async fn stray(socket: &Path, worker: &str) -> anyhow::Result<()> {
    let docker = connect(socket)?.negotiate_version().await?;
    let images = docker.list_images(None::<ListImagesOptions>).await?;
    let labels = [("molar.submission", "of nobody"), ("molar.worker", worker)];
    let body = ContainerCreateBody {
        image: images.into_iter().next().map(|image| image.id),
        cmd: Some(vec!["/bin/sh".to_owned()]),
        labels: Some(
            labels
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .into(),
        ),
        ..Default::default()
    };
    docker
        .create_container(None::<CreateContainerOptions>, body)
        .await?;
    Ok(())
}

/// How many containers of a worker the engine has, in whatever state.
pub async fn containers(socket: &Path, worker: &str) -> anyhow::Result<usize> {
    let docker = connect(socket)?.negotiate_version().await?;
    let label = vec![format!("molar.worker={worker}")];
    let options = ListContainersOptions {
        all: true,
        filters: Some(HashMap::from([("label".to_owned(), label)])),
        ..Default::default()
    };
    Ok(docker.list_containers(Some(options)).await?.len())
}
