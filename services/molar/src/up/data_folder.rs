//! The one folder in which a local Molar lives: its lock, secrets, ports, logs and servers' files.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use anyhow::Context;
use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};

use super::account::{self, is_root, others_may_reach};
use super::ports;
use super::secrets::Secrets;

/// Holding one means that no other `up` works on the same folder.
#[derive(Debug)]
pub struct DataFolder {
    root: PathBuf,
    state: Mutex<State>,
    /// Names whose port was settled by this process: its own server may listen there by now.
    settled: Mutex<BTreeSet<String>>,
    secrets: Secrets,
    _lock: File,
}

/// What outlives a run, in `state.json`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct State {
    /// Random; names this folder in process marks and in folders that lie elsewhere.
    instance: String,
    /// Where the servers' files lie if their users cannot reach the data folder.
    servers: Option<PathBuf>,
    pub(super) ports: BTreeMap<String, u16>,
}

/// The folder is in use by another `up`.
#[derive(Debug, thiserror::Error)]
#[error(
    "the data folder {} is in use by {holder}; end that one first (Ctrl-C, or `kill {pid}`) \
     or choose another folder with --data", folder.display()
)]
pub struct InUse {
    pub folder: PathBuf,
    pub pid: String,
    holder: String,
}

impl DataFolder {
    /// Makes the folder if need be and takes its lock. Fails with [`InUse`] if somebody holds it.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        // Servers' users walk through it, nobody lists it.
        account::folder(path, 0o711)?;
        let root = path
            .canonicalize()
            .with_context(|| path.display().to_string())?;
        let lock = take_lock(&root)?;

        let state_file = root.join("state.json");
        let state = match fs::read_to_string(&state_file) {
            Ok(text) => {
                serde_json::from_str(&text).with_context(|| state_file.display().to_string())?
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => State::new(&root),
            Err(error) => return Err(error).with_context(|| state_file.display().to_string()),
        };
        let folder = Self {
            secrets: Secrets::load_or_create(&root.join("secrets.json"))?,
            root,
            state: Mutex::new(state),
            settled: Mutex::default(),
            _lock: lock,
        };
        folder.keep()?;
        account::folder(&folder.servers(), 0o711)?;
        for part in ["logs", "run"] {
            account::folder(&folder.root.join(part), 0o700)?;
        }
        Ok(folder)
    }

    pub fn path(&self) -> &Path {
        &self.root
    }

    pub fn secrets(&self) -> &Secrets {
        &self.secrets
    }

    pub fn instance(&self) -> String {
        self.state().instance.clone()
    }

    /// Where PostgreSQL, RabbitMQ and nginx keep their files: the data folder itself, unless
    /// their users cannot reach it (a clone under `/root`).
    pub fn servers(&self) -> PathBuf {
        self.state()
            .servers
            .clone()
            .unwrap_or_else(|| self.root.clone())
    }

    pub fn log(&self, name: &str) -> PathBuf {
        self.root.join("logs").join(format!("{name}.log"))
    }

    pub fn run_file(&self, name: &str) -> PathBuf {
        self.root.join("run").join(format!("{name}.json"))
    }

    /// A folder for sockets, short whatever the length of the data folder's path: the address of
    /// a Unix socket has room for 107 bytes.
    pub fn sockets(&self) -> anyhow::Result<PathBuf> {
        let instance = self.instance();
        let folder = if is_root() {
            PathBuf::from("/run/molar").join(instance)
        } else {
            let uid = rustix::process::getuid().as_raw();
            let base =
                std::env::var_os("XDG_RUNTIME_DIR").map_or_else(std::env::temp_dir, PathBuf::from);
            base.join(format!("molar-{uid}-{instance}"))
        };
        account::folder(&folder, 0o711)?;
        Ok(folder)
    }

    /// The port of this name: the same as last time, or another if somebody has taken it.
    pub fn port(&self, name: &str) -> anyhow::Result<u16> {
        let mut settled = self.settled.lock().unwrap_or_else(PoisonError::into_inner);
        let known = self.state().ports.get(name).copied();
        if let Some(port) = known
            && (settled.contains(name) || ports::is_free(port))
        {
            settled.insert(name.to_owned());
            return Ok(port);
        }
        let port = loop {
            let port = ports::free()?;
            if !self.state().ports.values().any(|taken| *taken == port) {
                break port;
            }
        };
        settled.insert(name.to_owned());
        self.state().ports.insert(name.to_owned(), port);
        self.keep()?;
        Ok(port)
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self) -> anyhow::Result<()> {
        let text = serde_json::to_string_pretty(&*self.state())?;
        account::private_file(&self.root.join("state.json"), &text, None)
    }
}

impl State {
    fn new(root: &Path) -> Self {
        let instance = format!("{:012x}", rand::random::<u64>() >> 16);
        let servers = (is_root() && !others_may_reach(root)).then(|| elsewhere(&instance));
        Self {
            instance,
            servers,
            ports: BTreeMap::new(),
        }
    }
}

fn elsewhere(instance: &str) -> PathBuf {
    let lasting = Path::new("/var/lib/molar");
    let base = match account::folder(lasting, 0o755) {
        Ok(()) if others_may_reach(lasting) => lasting.to_owned(),
        _ => std::env::temp_dir(),
    };
    base.join(format!("molar-{instance}"))
}

fn take_lock(root: &Path) -> anyhow::Result<File> {
    let file = root.join("lock");
    let mut lock = File::options()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .open(&file)
        .with_context(|| file.display().to_string())?;
    match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => {}
        Err(rustix::io::Errno::WOULDBLOCK) => {
            let mut pid = String::new();
            lock.read_to_string(&mut pid)?;
            let pid = pid.trim().to_owned();
            let holder = describe(&pid);
            return Err(InUse {
                folder: root.to_owned(),
                pid,
                holder,
            }
            .into());
        }
        Err(error) => return Err(error).with_context(|| file.display().to_string()),
    }
    lock.set_len(0)?;
    lock.rewind()?;
    writeln!(lock, "{}", std::process::id())?;
    Ok(lock)
}

fn describe(pid: &str) -> String {
    let command = fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let command = command.replace('\0', " ");
    format!("process {pid} ({})", command.trim())
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn a_second_holder_is_told_who_the_first_is() {
        let place = tempfile::tempdir().unwrap();
        let first = DataFolder::open(place.path()).unwrap();
        let refusal = DataFolder::open(place.path()).unwrap_err();
        let in_use = refusal.downcast_ref::<InUse>().unwrap();
        assert_eq!(in_use.pid, std::process::id().to_string());
        assert!(refusal.to_string().contains("--data"), "{refusal}");

        drop(first);
        DataFolder::open(place.path()).unwrap();
    }

    #[test]
    fn a_port_is_remembered_until_somebody_takes_it() {
        let place = tempfile::tempdir().unwrap();
        let first = DataFolder::open(place.path()).unwrap();
        let port = first.port("postgres").unwrap();
        assert_ne!(first.port("rabbitmq").unwrap(), port);
        let held = TcpListener::bind(("127.0.0.1", port)).unwrap();
        assert_eq!(
            first.port("postgres").unwrap(),
            port,
            "taken by our own server"
        );
        drop(first);

        let second = DataFolder::open(place.path()).unwrap();
        assert_ne!(second.port("postgres").unwrap(), port);
        drop((held, second));
    }

    #[test]
    fn a_long_path_does_not_make_a_long_socket() {
        let place = tempfile::tempdir().unwrap();
        let deep = place.path().join("d".repeat(120)).join("e".repeat(60));
        let folder = DataFolder::open(&deep).unwrap();
        let sockets = folder.sockets().unwrap();
        assert!(
            sockets
                .join("containerd/containerd-debug.sock.ttrpc")
                .as_os_str()
                .len()
                <= 107
        );
        fs::remove_dir_all(sockets).unwrap();
    }
}
