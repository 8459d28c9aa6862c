//! A Docker Engine: the one that answers, else a private one.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use rustix::process::Signal;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use super::account::{self, is_root};
use super::child::{Child, Ready, Tier, find_program, search_path};
use super::data_folder::DataFolder;
use super::process;
use super::supervisor::Supervisor;

const SYSTEM_SOCKET: &str = "/var/run/docker.sock";

/// `unix://…` or `tcp://…`, as in `DOCKER_HOST`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    pub host: String,
}

impl Access {
    /// The path of the socket, where it is one.
    pub fn socket(&self) -> Option<&Path> {
        self.host.strip_prefix("unix://").map(Path::new)
    }
}

/// Takes `given` (`DOCKER_HOST`) or the system's engine if it answers; else starts a private one
/// that needs no network and touches neither bridges nor firewall.
pub async fn start(up: &Supervisor, given: Option<&str>) -> anyhow::Result<Access> {
    if let Some(host) = given {
        return take(up, host.to_owned()).await;
    }
    if answers(Path::new(SYSTEM_SOCKET)).await {
        return take(up, format!("unix://{SYSTEM_SOCKET}")).await;
    }
    if !is_root() {
        bail!(
            "no Docker Engine answers at {SYSTEM_SOCKET}, and only root can start one: \
             start Docker, set DOCKER_HOST, or run as root"
        );
    }
    let program = find_program("dockerd")
        .context("the Docker Engine is not installed: run deploy/local/install.sh")?;
    require_cgroups(Path::new("/sys/fs/cgroup"))?;
    own(up, &program).await
}

async fn take(up: &Supervisor, host: String) -> anyhow::Result<Access> {
    let step = up.terminal().begin("docker", "asking");
    let access = Access { host };
    if let Some(socket) = access.socket()
        && !answers(socket).await
    {
        bail!("no Docker Engine answers at {}", access.host);
    }
    step.done(
        "answers",
        &format!("{} (not ours: left as it is)", access.host),
    );
    Ok(access)
}

async fn own(up: &Supervisor, program: &Path) -> anyhow::Result<Access> {
    let folder = Arc::clone(up.folder());
    let home = home(&folder);
    account::folder(&home, 0o711)?;
    let sockets = folder.sockets()?.join("docker");
    account::folder(&sockets, 0o700)?;
    let socket = sockets.join("docker.sock");
    // The system's own settings are for the system's engine.
    let settings = home.join("daemon.json");
    account::private_file(
        &settings,
        &daemon_settings(find_program("runsc").as_deref()),
        None,
    )?;

    let asked = Arc::new(socket.clone());
    let ready = Ready::Check(Arc::new(move || {
        let socket = Arc::clone(&asked);
        Box::pin(async move { answers(&socket).await.then_some(()).context("no answer") })
    }));
    let host = format!("unix://{}", socket.display());
    let flag = |name: &str, path: PathBuf| format!("--{name}={}", path.display());
    let child = Child::new("docker", Tier::Server, program)
        .args(["--host", &host])
        .args([
            flag("config-file", settings),
            flag("data-root", home.join("data")),
            flag("exec-root", sockets.join("exec")),
            flag("pidfile", sockets.join("docker.pid")),
        ])
        .args([
            "--bridge=none",
            "--iptables=false",
            "--ip6tables=false",
            "--shutdown-timeout=10",
            // Root in a container is nobody on the host; dockerd makes the user itself, `dockremap`.
            "--userns-remap=default",
        ])
        .ready(ready, Duration::from_secs(60))
        .stop(Signal::TERM, Duration::from_secs(40))
        .clean(Arc::new(move || {
            let folder = Arc::clone(&folder);
            Box::pin(async move { end_leftovers(&folder).await })
        }))
        .note(format!("{host}, images in {}", home.display()));
    up.start(child).await?;
    Ok(Access { host })
}

/// With gVisor as a second runtime where it is installed.
fn daemon_settings(runsc: Option<&Path>) -> String {
    let runtimes = match runsc {
        // It would set up a network of its own otherwise, and fail without one.
        Some(path) => json!({"runsc": {"path": path, "runtimeArgs": ["--network=none"]}}),
        None => json!({}),
    };
    format!("{}\n", json!({"runtimes": runtimes}))
}

/// Where root of the containers, an ordinary user out here, can reach it.
fn home(folder: &DataFolder) -> PathBuf {
    folder.servers().join("docker")
}

/// Ends what a killed engine of this folder left: containerd, which keeps a new one from starting,
/// its shims, and the containers, which would run on unseen.
pub async fn end_leftovers(folder: &DataFolder) -> anyhow::Result<()> {
    let sockets = folder.sockets()?.join("docker");
    let ours = sockets.join("exec").display().to_string();
    // The second is where versions before userns-remap kept it.
    let places = [home(folder).join("data"), folder.path().join("docker/data")];
    let containers: Vec<_> = places.iter().flat_map(|data| containers(data)).collect();
    let left = process::find(|proc| {
        // Both hold names that nobody else has: a random instance, a container's 64 digits.
        let line = fs::read_to_string(proc.join("cmdline")).unwrap_or_default();
        let group = fs::read_to_string(proc.join("cgroup")).unwrap_or_default();
        let is_containerd = line.split('\0').next().is_some_and(|name| {
            Path::new(name).file_name().is_some_and(|name| {
                name.to_str()
                    .is_some_and(|name| name.starts_with("containerd"))
            })
        });
        (is_containerd && line.contains(&ours)) || containers.iter().any(|id| group.contains(id))
    });
    for one in &left {
        one.signal(Signal::KILL)?;
    }
    for one in &left {
        one.ended_within(Duration::from_secs(5)).await;
    }
    let [data, before] = places;
    unmount(&[data, before, sockets.join("exec")]).await?;
    // Whoever has the numbers in these files by now would be taken for the daemon or its containerd.
    for file in ["docker.pid", "exec/containerd/containerd.pid"] {
        match fs::remove_file(sockets.join(file)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
    }
    Ok(())
}

/// Takes down what a killed engine had mounted below these folders: it would be mounted over by the
/// next one, and the data folder could not be removed.
async fn unmount(folders: &[PathBuf]) -> anyhow::Result<()> {
    let mounts = fs::read_to_string("/proc/self/mounts")?;
    for point in mount_points(&mounts, folders).iter().rev() {
        let mut command = tokio::process::Command::new("umount");
        let output = command
            .env("PATH", search_path())
            .arg("--lazy")
            .arg(point)
            .output()
            .await?;
        if !output.status.success() {
            let complaint = String::from_utf8_lossy(&output.stderr);
            bail!("cannot take down a left-over mount: {}", complaint.trim());
        }
    }
    Ok(())
}

/// In the order in which they were mounted.
fn mount_points(mounts: &str, folders: &[PathBuf]) -> Vec<PathBuf> {
    let points = mounts.lines().filter_map(|line| line.split(' ').nth(1));
    points
        .map(|point| PathBuf::from(point.replace(r"\040", " ").replace(r"\134", r"\")))
        .filter(|point| folders.iter().any(|folder| point.starts_with(folder)))
        .collect()
}

/// Of an engine with this data root, which keeps those of remapped users in a folder `uid.gid` below.
fn containers(data: &Path) -> Vec<String> {
    let remapped = names(data).into_iter().filter(|name| {
        let ids = name.split_once('.');
        ids.is_some_and(|(uid, gid)| uid.parse::<u32>().is_ok() && gid.parse::<u32>().is_ok())
    });
    let roots = remapped
        .map(|name| data.join(name))
        .chain([data.to_owned()]);
    roots
        .flat_map(|root| names(&root.join("containers")))
        .filter(|name| name.len() == 64)
        .collect()
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect()
}

fn require_cgroups(root: &Path) -> anyhow::Result<()> {
    let is_mounted = root.join("cgroup.controllers").exists() || root.join("memory").is_dir();
    if !is_mounted {
        bail!(
            "no control groups are mounted at {}: without them Docker cannot limit a container; \
             mount them (`mount -t cgroup2 none {}`) or set DOCKER_HOST",
            root.display(),
            root.display()
        );
    }
    Ok(())
}

/// Whether an engine answers a ping on this socket.
pub async fn answers(socket: &Path) -> bool {
    tokio::time::timeout(Duration::from_secs(5), ping(socket))
        .await
        .is_ok_and(|pong| {
            pong.is_ok_and(|text| {
                text.starts_with("HTTP/1.1 200") || text.starts_with("HTTP/1.0 200")
            })
        })
}

async fn ping(socket: &Path) -> std::io::Result<String> {
    let mut stream = UnixStream::connect(socket).await?;
    stream
        .write_all(b"GET /_ping HTTP/1.0\r\nHost: docker\r\n\r\n")
        .await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// For `--run` and the like: where the engine is.
pub fn environment(access: &Access) -> Vec<(String, String)> {
    let mut all = vec![("DOCKER_HOST".to_owned(), access.host.clone())];
    if let Some(socket) = access.socket() {
        all.push(("MOLAR_TEST_DOCKER".to_owned(), socket.display().to_string()));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_without_control_groups_is_told_so() {
        let empty = tempfile::tempdir().unwrap();
        let error = require_cgroups(empty.path()).unwrap_err();
        assert!(error.to_string().contains("mount -t cgroup2"), "{error}");
    }

    #[test]
    fn mounts_are_ours_by_whole_folder_names() {
        let mounts = "proc /proc proc rw 0 0\n\
                      /dev/sda /my\\040data/docker/data ext4 rw 0 0\n\
                      overlay /my\\040data/docker/data/overlay2/a/merged overlay rw 0 0\n\
                      /dev/sda /my\\040data/docker/data2 ext4 rw 0 0\n";
        let found = mount_points(mounts, &["/my data/docker/data".into()]);
        let expected = [
            "/my data/docker/data",
            "/my data/docker/data/overlay2/a/merged",
        ]
        .map(PathBuf::from);
        assert_eq!(found, expected);
    }

    #[test]
    fn containers_are_found_with_and_without_remapped_users() {
        let data = tempfile::tempdir().unwrap();
        let (plain, remapped) = ("a".repeat(64), "b".repeat(64));
        for below in [
            format!("containers/{plain}"),
            format!("165536.165536/containers/{remapped}"),
            format!("overlay2/containers/{}", "c".repeat(64)),
        ] {
            fs::create_dir_all(data.path().join(below)).unwrap();
        }
        assert_eq!(containers(data.path()), [remapped, plain]);
    }

    #[tokio::test]
    async fn a_dead_socket_does_not_answer() {
        assert!(!answers(Path::new("/nonexistent/docker.sock")).await);
    }
}
