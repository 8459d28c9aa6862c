//! A process to be supervised: what to run, when it counts as ready, how it is asked to end.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use rustix::process::Signal;
use serde::{Deserialize, Serialize};

use super::account::Account;
use super::process::Trace;

/// Started from the ground up, stopped from the front down. What shares a tier stops together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tier {
    /// What a server needs to start and to end, such as Erlang's port mapper.
    Ground,
    Server,
    Role,
    Worker,
    Front,
}

pub type Check = Arc<dyn Fn() -> BoxFuture<'static, anyhow::Result<()>> + Send + Sync>;

/// When a child counts as ready.
#[derive(Clone)]
pub enum Ready {
    /// As soon as it runs.
    Started,
    /// When a connection is accepted.
    Tcp(SocketAddr),
    /// When a GET of this URL is answered with 200.
    Http(String),
    /// When this succeeds; asked again until then.
    Check(Check),
}

#[derive(Clone)]
pub struct Child {
    pub(super) name: String,
    pub(super) tier: Tier,
    pub(super) program: PathBuf,
    pub(super) args: Vec<OsString>,
    pub(super) env: Vec<(String, OsString)>,
    pub(super) folder: Option<PathBuf>,
    pub(super) account: Option<Account>,
    pub(super) ready: Ready,
    pub(super) ready_within: Duration,
    /// Runs after each start, also after a restart, before the child is reported ready.
    pub(super) prepare: Option<Check>,
    pub(super) clean: Option<Check>,
    pub(super) stop_signal: Signal,
    pub(super) grace: Duration,
    pub(super) marked: bool,
    pub(super) trace: Option<Trace>,
    pub(super) note: String,
}

impl Child {
    pub fn new(name: impl Into<String>, tier: Tier, program: impl Into<PathBuf>) -> Self {
        Self {
            name: name.into(),
            tier,
            program: program.into(),
            args: Vec::new(),
            env: Vec::new(),
            folder: None,
            account: None,
            ready: Ready::Started,
            ready_within: Duration::from_secs(60),
            prepare: None,
            clean: None,
            stop_signal: Signal::TERM,
            grace: Duration::from_secs(20),
            marked: true,
            trace: None,
            note: String::new(),
        }
    }

    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    pub fn args<I: IntoIterator<Item = S>, S: AsRef<OsStr>>(mut self, args: I) -> Self {
        self.args
            .extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// A child's environment is only this and `INHERITED`: what `up` was given for one role
    /// does not leak to another.
    pub fn env(mut self, name: impl Into<String>, value: impl AsRef<OsStr>) -> Self {
        self.env.push((name.into(), value.as_ref().to_owned()));
        self
    }

    pub fn envs<I, K, V>(mut self, envs: I) -> Self
    where
        I: IntoIterator<Item = (K, V)>,
        K: Into<String>,
        V: AsRef<OsStr>,
    {
        self.env.extend(
            envs.into_iter()
                .map(|(k, v)| (k.into(), v.as_ref().to_owned())),
        );
        self
    }

    /// The working folder; by default that of `up`.
    pub fn folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = Some(folder.into());
        self
    }

    pub fn account(mut self, account: Option<Account>) -> Self {
        self.account = account;
        self
    }

    pub fn ready(mut self, ready: Ready, within: Duration) -> Self {
        self.ready = ready;
        self.ready_within = within;
        self
    }

    pub fn prepare(mut self, check: Check) -> Self {
        self.prepare = Some(check);
        self
    }

    /// How it is asked to end, and how long it may take before it is killed.
    pub fn stop(mut self, signal: Signal, grace: Duration) -> Self {
        self.stop_signal = signal;
        self.grace = grace;
        self
    }

    pub fn trace(mut self, trace: Trace) -> Self {
        self.trace = Some(trace);
        self
    }

    /// What it starts is not ended by its mark but by this, before each start and after each end.
    pub fn clean(mut self, clean: Check) -> Self {
        self.marked = false;
        self.clean = Some(clean);
        self
    }

    /// Shown when it is ready: where it listens.
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.note = note.into();
        self
    }
}

impl fmt::Debug for Child {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Arguments and environment hold passwords.
        f.debug_struct("Child")
            .field("name", &self.name)
            .field("tier", &self.tier)
            .finish()
    }
}

/// What every child gets from the environment of `up`.
pub const INHERITED: [&str; 14] = [
    "HOME",
    "USER",
    "LANG",
    "LC_ALL",
    "TZ",
    "TMPDIR",
    "RUST_LOG",
    "RUST_BACKTRACE",
    "NO_COLOR",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "LLVM_PROFILE_FILE",
    "XDG_RUNTIME_DIR",
    "LD_LIBRARY_PATH",
];

/// Servers live in `sbin`, which the PATH of a user or of `sudo` may lack.
pub fn search_path() -> OsString {
    let mut path =
        std::env::var_os("PATH").unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin".into());
    path.push(":/usr/local/sbin:/usr/sbin:/sbin");
    path
}

/// The program of this name on `search_path`.
pub fn find_program(name: &str) -> Option<PathBuf> {
    std::env::split_paths(&search_path())
        .map(|dir| dir.join(name))
        .find(|file| file.is_file())
}
