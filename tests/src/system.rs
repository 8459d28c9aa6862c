//! A whole Molar: the built binary, its servers and roles, in a folder of its own.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;

use crate::processes::{self, Process};
use crate::until;

/// RabbitMQ alone takes ten seconds; on a busy machine everything takes longer.
const START: Duration = Duration::from_secs(180);
const STOP: Duration = Duration::from_secs(120);

/// Far shorter than a platform's own, so that its loss is soon noticed.
pub const LEASE: Duration = Duration::from_secs(9);

pub const ROLES: [&str; 6] = [
    "registration",
    "tracks",
    "submission",
    "execution",
    "scoring",
    "leaderboard",
];

/// `molar up` and what it started. Ends with its owner, also when a test panics.
pub struct System {
    place: TempDir,
    up: Option<Child>,
    url: String,
    /// Of `molar up`, beside its folder.
    options: Vec<String>,
}

/// The binary under test: `MOLAR_BIN`, or what cargo built beside this test.
pub fn binary() -> Option<PathBuf> {
    let path = match std::env::var_os("MOLAR_BIN") {
        Some(path) => PathBuf::from(path),
        // target/debug/deps/<test> or target/debug/examples/<example>
        None => std::env::current_exe()
            .ok()?
            .parent()?
            .parent()?
            .join("molar"),
    };
    path.is_file().then_some(path)
}

/// What a system needs and this machine lacks.
pub fn missing() -> Option<&'static str> {
    let is_there = |path: &str| Path::new(path).exists();
    if binary().is_none() {
        Some("binary molar")
    } else if !is_there("/usr/lib/postgresql") {
        Some("postgresql")
    } else if !is_there("/usr/lib/rabbitmq/bin/rabbitmq-server") {
        Some("rabbitmq")
    } else if !is_there("/usr/sbin/nginx") {
        Some("nginx")
    } else if !is_there("/bin/busybox") {
        Some("busybox")
    } else {
        None
    }
}

impl System {
    pub async fn start() -> anyhow::Result<Self> {
        Self::start_with(&["--fast"]).await
    }

    /// With these options of `molar up`.
    pub async fn start_with(options: &[&str]) -> anyhow::Result<Self> {
        let place = tempfile::Builder::new()
            .prefix("molar-process-")
            .tempdir()?;
        // The servers' own users walk through it.
        fs::set_permissions(place.path(), fs::Permissions::from_mode(0o755))?;
        let mut system = Self {
            place,
            up: None,
            url: String::new(),
            options: options.iter().map(|&option| option.to_owned()).collect(),
        };
        system.up().await?;
        Ok(system)
    }

    /// Starts `molar up` on the folder, as it is.
    pub async fn up(&mut self) -> anyhow::Result<()> {
        ensure!(self.up.is_none(), "it runs already");
        let _ = fs::remove_file(self.log());
        let log = fs::File::create(self.log())?;
        let mut command = Command::new(binary().context("the binary `molar` is not built")?);
        command
            .arg("up")
            .arg("--data")
            .arg(self.data())
            .args(&self.options)
            .arg("--lease-s")
            .arg(LEASE.as_secs().to_string());
        if let Ok(socket) = std::env::var("MOLAR_TEST_DOCKER") {
            let socket = socket.trim_start_matches("unix://");
            command.arg("--docker-host").arg(format!("unix://{socket}"));
        }
        // What `molar up --run` told this test about its servers is not for this one.
        for (name, _) in std::env::vars_os() {
            let is_given = name
                .to_str()
                .is_some_and(|n| n.starts_with("MOLAR_") || n == "DATABASE_URL");
            if is_given || name == "DOCKER_HOST" {
                command.env_remove(name);
            }
        }
        // Its own group: Ctrl-C on the test does not reach it, the end of the test does.
        command
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        self.up = Some(command.spawn()?);
        self.url = self.become_ready().await?;
        Ok(())
    }

    async fn become_ready(&mut self) -> anyhow::Result<String> {
        let begun = Instant::now();
        loop {
            let said = self.said();
            if let Some(rest) = said.split("Molar is at ").nth(1)
                && let Some(url) = rest.split_whitespace().next()
            {
                return Ok(url.trim_end_matches('/').to_owned());
            }
            if let Some(status) = self.up.as_mut().context("not started")?.try_wait()? {
                self.up = None;
                bail!("`molar up` ended with {status}:\n{said}");
            }
            ensure!(begun.elapsed() < START, "`molar up` is not ready:\n{said}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// The one origin.
    pub fn url(&self) -> &str {
        &self.url
    }

    pub fn data(&self) -> PathBuf {
        self.place.path().join("data")
    }

    fn log(&self) -> PathBuf {
        self.place.path().join("up.log")
    }

    /// What `molar up` printed.
    pub fn said(&self) -> String {
        fs::read_to_string(self.log()).unwrap_or_default()
    }

    pub fn log_of(&self, name: &str) -> String {
        let text =
            fs::read(self.data().join("logs").join(format!("{name}.log"))).unwrap_or_default();
        String::from_utf8_lossy(&text).into_owned()
    }

    pub fn state(&self) -> anyhow::Result<Value> {
        Ok(serde_json::from_slice(&fs::read(
            self.data().join("state.json"),
        )?)?)
    }

    pub fn secrets(&self) -> anyhow::Result<Value> {
        Ok(serde_json::from_slice(&fs::read(
            self.data().join("secrets.json"),
        )?)?)
    }

    fn port(&self, name: &str) -> anyhow::Result<u64> {
        self.state()?["ports"][name]
            .as_u64()
            .with_context(|| format!("no port of {name}"))
    }

    fn secret(&self, pointer: &str) -> anyhow::Result<String> {
        let secrets = self.secrets()?;
        let found = secrets.pointer(pointer).and_then(Value::as_str);
        Ok(found
            .with_context(|| format!("no secret {pointer}"))?
            .to_owned())
    }

    pub fn owner_url(&self) -> anyhow::Result<String> {
        let (port, password) = (self.port("postgres")?, self.secret("/postgres_owner")?);
        Ok(format!(
            "postgres://molar_owner:{password}@127.0.0.1:{port}/molar"
        ))
    }

    /// The database as a role enters it.
    pub fn role_url(&self, role: &str) -> anyhow::Result<String> {
        let (port, password) = (
            self.port("postgres")?,
            self.secret(&format!("/postgres/{role}"))?,
        );
        Ok(format!(
            "postgres://molar_{role}:{password}@127.0.0.1:{port}/molar"
        ))
    }

    pub fn broker_url(&self) -> anyhow::Result<String> {
        let (port, password) = (self.port("rabbitmq")?, self.secret("/rabbitmq_owner")?);
        Ok(format!(
            "amqp://molar_owner:{password}@127.0.0.1:{port}/molar"
        ))
    }

    pub fn broker_url_of(&self, role: &str) -> anyhow::Result<String> {
        let (port, password) = (
            self.port("rabbitmq")?,
            self.secret(&format!("/rabbitmq/{role}"))?,
        );
        Ok(format!(
            "amqp://molar_{role}:{password}@127.0.0.1:{port}/molar"
        ))
    }

    /// What its own worker was told.
    pub fn told_worker(&self, name: &str) -> anyhow::Result<String> {
        let told = self.child("worker")?.environment()?;
        let found = told.into_iter().find(|(key, _)| key == name);
        Ok(found.with_context(|| format!("no {name}"))?.1)
    }

    /// Objects whose key has this part.
    pub fn objects_below(&self, part: &str) -> Vec<PathBuf> {
        let mut folders = vec![self.data().join("objects/buckets")];
        let mut found = Vec::new();
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
                let path = entry.path();
                if entry.file_name() == part {
                    found.push(path);
                } else if path.is_dir() {
                    folders.push(path);
                }
            }
        }
        found
    }

    /// Where the servers keep their files.
    pub fn servers(&self) -> PathBuf {
        let state = self.state().unwrap_or_default();
        state["servers"]
            .as_str()
            .map_or_else(|| self.data(), PathBuf::from)
    }

    pub fn child(&self, name: &str) -> anyhow::Result<Process> {
        processes::recorded(&self.data(), name).with_context(|| format!("{name} does not run"))
    }

    pub fn children(&self) -> Vec<String> {
        processes::names(&self.data())
    }

    /// Kills the child with SIGKILL; does not wait for its return.
    pub fn kill(&self, name: &str) -> anyhow::Result<Process> {
        let child = self.child(name)?;
        child.signal(Signal::KILL)?;
        Ok(child)
    }

    /// Waits until the supervisor has brought the child back.
    pub async fn back(&self, name: &str, before: &Process) -> anyhow::Result<Process> {
        let line = format!("{name} is back");
        until(&line, Duration::from_secs(90), async || {
            let now = processes::recorded(&self.data(), name).filter(|now| now != before);
            let is_back = self.said().lines().any(|said| {
                let mut words = said.split_whitespace();
                words.next() == Some(name) && words.next() == Some("is")
            });
            Ok(now.filter(|_| is_back))
        })
        .await
    }

    /// Asks the child to end, and waits until it is back. Returns what the supervisor saw of its end.
    pub async fn terminate(&self, name: &str, grace: Duration) -> anyhow::Result<String> {
        let before = self.child(name)?;
        let seen = self.ends(name).len();
        before.signal(Signal::TERM)?;
        until(&format!("the end of {name}"), grace, async || {
            Ok((!before.is_alive()).then_some(()))
        })
        .await?;
        let end = until(
            &format!("word of the end of {name}"),
            Duration::from_secs(10),
            async || Ok(self.ends(name).get(seen).cloned()),
        )
        .await?;
        self.back(name, &before).await?;
        Ok(end)
    }

    fn ends(&self, name: &str) -> Vec<String> {
        let said = self.said();
        let lines = said.lines().filter(|line| line.starts_with('!'));
        lines
            .filter(|line| line.split_whitespace().nth(1) == Some(name))
            .map(str::to_owned)
            .collect()
    }

    /// Ctrl-C, and the wait for its end.
    pub async fn stop(&mut self) -> anyhow::Result<ExitStatus> {
        let mut up = self.up.take().context("it does not run")?;
        let pid = i32::try_from(up.id())?;
        Process::of(pid)
            .context("`molar up` has ended by itself")?
            .signal(Signal::TERM)?;
        let begun = Instant::now();
        loop {
            if let Some(status) = up.try_wait()? {
                return Ok(status);
            }
            if begun.elapsed() > STOP {
                let said = self.said();
                self.up = Some(up);
                bail!("`molar up` did not stop:\n{said}");
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// `kill -9` of everything at once, the supervisor first, so that nobody brings anything back.
    pub fn kill_tree(&mut self) -> anyhow::Result<usize> {
        let mut up = self.up.take().context("it does not run")?;
        let all = processes::tree(i32::try_from(up.id())?);
        for one in &all {
            one.signal(Signal::KILL)?;
        }
        up.wait()?;
        Ok(all.len())
    }

    /// What is still running of this system.
    pub fn left_running(&self) -> Vec<String> {
        let Ok(state) = self.state() else {
            return Vec::new();
        };
        let instance = state["instance"].as_str().unwrap_or("?").to_owned();
        let folders = [
            self.place.path().to_owned(),
            self.servers(),
            PathBuf::from("/run/molar").join(&instance),
        ];
        processes::belonging(&instance, &folders)
            .iter()
            .map(|process| format!("{} {}", process.pid, process.command_line()))
            .collect()
    }
}

impl Drop for System {
    fn drop(&mut self) {
        if let Some(mut up) = self.up.take() {
            if let Some(process) = i32::try_from(up.id()).ok().and_then(Process::of) {
                let _ = process.signal(Signal::TERM);
            }
            let begun = Instant::now();
            while begun.elapsed() < STOP && matches!(up.try_wait(), Ok(None)) {
                std::thread::sleep(Duration::from_millis(50));
            }
            if matches!(up.try_wait(), Ok(None)) {
                for one in processes::tree(i32::try_from(up.id()).unwrap_or_default()) {
                    let _ = one.signal(Signal::KILL);
                }
                let _ = up.wait();
            }
        }
        if let Ok(state) = self.state()
            && let Some(instance) = state["instance"].as_str().filter(|name| !name.is_empty())
        {
            let _ = fs::remove_dir_all(Path::new("/run/molar").join(instance));
            if self.servers() != self.data() {
                let _ = fs::remove_dir_all(self.servers());
            }
        }
    }
}
