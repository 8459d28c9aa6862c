//! A worker beside the one that `molar up` starts.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::Context as _;
use rustix::process::Signal;
use serde_json::json;
use tempfile::TempDir;

use crate::api::text;
use crate::mounts;
use crate::people::Organizer;
use crate::processes::Process;
use crate::rows::Rows;
use crate::system::binary;
use crate::until;

/// What a worker is told.
#[derive(Debug, Clone)]
pub struct Told {
    pub name: String,
    pub class: &'static str,
    pub slots: u16,
    /// Base of the worker API.
    pub api: String,
    pub engine: PathBuf,
    pub grace_s: u64,
}

/// Killed with its owner; what it was running stays until its engine is asked.
pub struct Worker {
    told: Told,
    place: TempDir,
    process: Option<Child>,
    pub id: String,
}

impl Worker {
    /// Enrols and waits for its first beat. It hears no broker, and asks every few seconds.
    pub async fn start(organizer: &Organizer, rows: &Rows, told: Told) -> anyhow::Result<Self> {
        let path = "/api/v1/workers/enrolment-tokens";
        let token = organizer.api.post(path, &json!({})).await?.ok()?;
        let mut worker = Self {
            place: tempfile::Builder::new().prefix("molar-worker-").tempdir()?,
            process: None,
            id: String::new(),
            told,
        };
        worker.spawn(Some(text(&token, "token")))?;
        let name = worker.told.name.clone();
        let what = format!("worker {name}");
        worker.id = until(&what, Duration::from_secs(30), async || {
            rows.worker(&name).await
        })
        .await
        .with_context(|| worker.log())?;
        Ok(worker)
    }

    /// Its next life, after its end.
    pub fn again(&mut self) -> anyhow::Result<()> {
        self.spawn(None)
    }

    fn spawn(&mut self, token: Option<&str>) -> anyhow::Result<()> {
        let at = |name: &str| self.place.path().join(name);
        let log = fs::File::options()
            .create(true)
            .append(true)
            .open(at("log"))?;
        let mut command = Command::new(binary().context("the binary `molar` is not built")?);
        command
            .arg("worker")
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("MOLAR_WORKER_API", &self.told.api)
            .env("MOLAR_WORKER_KEY_FILE", at("key"))
            .env("MOLAR_WORKER_NAME", &self.told.name)
            .env("MOLAR_WORKER_CLASS", self.told.class)
            .env("MOLAR_WORKER_SLOTS", self.told.slots.to_string())
            .env("MOLAR_WORKER_SLOT_MEMORY_BYTES", (256 << 20).to_string())
            .env("MOLAR_WORK_DIR", at("work"))
            .env("MOLAR_DOCKER_SOCKET", &self.told.engine)
            .env("MOLAR_GRACE_S", self.told.grace_s.to_string())
            .envs(token.map(|token| ("MOLAR_ENROLMENT_TOKEN", token)))
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        self.process = Some(command.spawn()?);
        Ok(())
    }

    pub fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        let child = self.process.as_ref().context("it does not run")?;
        let process = Process::of(i32::try_from(child.id())?).context("it has ended")?;
        process.signal(signal)
    }

    /// `kill -9`, and the wait for its end.
    pub fn kill(&mut self) -> anyhow::Result<()> {
        let mut process = self.process.take().context("it does not run")?;
        process.kill()?;
        process.wait()?;
        Ok(())
    }

    /// Waits for its end.
    pub async fn ended(&mut self, patience: Duration) -> anyhow::Result<ExitStatus> {
        let process = self.process.as_mut().context("it does not run")?;
        let what = format!("the end of worker {}", self.told.name);
        let status = until(&what, patience, async || Ok(process.try_wait()?)).await?;
        self.process = None;
        Ok(status)
    }

    pub fn engine(&self) -> &Path {
        &self.told.engine
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.place.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
        mounts::take_down(self.place.path());
    }
}
