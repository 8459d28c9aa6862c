//! A container that we create ourselves, watched until it ends or has done enough.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use bollard::Docker;
use bollard::container::LogOutput;
use bollard::models::{ContainerCreateBody, ContainerInspectResponse};
use bollard::query_parameters::{
    AttachContainerOptions, InspectContainerOptions, KillContainerOptions, RemoveContainerOptions,
    StartContainerOptions,
};
use futures_util::StreamExt as _;

use crate::host::figure;

/// Enough to have proved it.
const TAKEN: u64 = 256 << 20;

pub struct Container<'a> {
    docker: &'a Docker,
    pub id: String,
}

#[derive(Debug, Default)]
pub struct Seen {
    pub log: String,
    pub processes: u64,
    pub memory_bytes: u64,
    /// Of the disk that was watched.
    pub disk_bytes: u64,
    pub log_file_bytes: u64,
    pub has_ended: bool,
    pub end: ContainerInspectResponse,
}

impl<'a> Container<'a> {
    pub async fn create(docker: &'a Docker, body: ContainerCreateBody) -> anyhow::Result<Self> {
        let id = docker.create_container(None, body).await?.id;
        Ok(Self { docker, id })
    }

    /// Starts it, and watches it for so long.
    pub async fn watch(&self, patience: Duration, disk: PathBuf) -> anyhow::Result<Seen> {
        let options = AttachContainerOptions {
            stdout: true,
            stderr: true,
            stream: true,
            ..AttachContainerOptions::default()
        };
        let mut log = self
            .docker
            .attach_container(&self.id, Some(options))
            .await?
            .output;
        let free = free(&disk);
        self.docker
            .start_container(&self.id, None::<StartContainerOptions>)
            .await?;
        let (begun, mut seen) = (Instant::now(), Seen::default());
        let mut ticks = tokio::time::interval(Duration::from_millis(20));
        while begun.elapsed() < patience && seen.disk_bytes < TAKEN {
            tokio::select! {
                part = log.next() => match part {
                    Some(Ok(part)) => seen.keep(&part),
                    _ => { seen.has_ended = self.has_ended().await?; if seen.has_ended { break } tokio::time::sleep(Duration::from_millis(20)).await; }
                },
                _ = ticks.tick() => {}
            }
            seen.look(&self.id);
            seen.disk_bytes = seen.disk_bytes.max(free.saturating_sub(self::free(&disk)));
        }
        if !seen.has_ended {
            let kill = self.docker.kill_container(
                &self.id,
                Some(KillContainerOptions {
                    signal: "SIGKILL".to_owned(),
                }),
            );
            let rest = async { while log.next().await.is_some() {} };
            let _ = tokio::join!(kill, tokio::time::timeout(Duration::from_secs(5), rest));
        }
        seen.disk_bytes = seen.disk_bytes.max(free.saturating_sub(self::free(&disk)));
        seen.end = self.inspect().await?;
        let file = seen.end.log_path.as_deref().map(std::fs::metadata);
        seen.log_file_bytes = file.and_then(Result::ok).map_or(0, |file| file.len());
        Ok(seen)
    }

    pub async fn inspect(&self) -> anyhow::Result<ContainerInspectResponse> {
        Ok(self
            .docker
            .inspect_container(&self.id, Some(InspectContainerOptions { size: true }))
            .await?)
    }

    /// How many files it has changed in its own file system.
    pub async fn changes(&self) -> anyhow::Result<usize> {
        let changes = self.docker.container_changes(&self.id).await?;
        Ok(changes.map_or(0, |changes| changes.len()))
    }

    async fn has_ended(&self) -> anyhow::Result<bool> {
        Ok(self.inspect().await?.state.and_then(|state| state.running) == Some(false))
    }

    pub async fn remove(&self) -> anyhow::Result<()> {
        let options = RemoveContainerOptions {
            force: true,
            v: true,
            link: false,
        };
        Ok(self
            .docker
            .remove_container(&self.id, Some(options))
            .await?)
    }
}

impl Seen {
    fn keep(&mut self, part: &LogOutput) {
        if self.log.len() < 64 << 10 {
            self.log.push_str(&String::from_utf8_lossy(part.as_ref()));
        }
    }

    fn look(&mut self, id: &str) {
        let pids = figure(id, "pids", "pids.current", "pids.current");
        let memory = figure(id, "memory", "memory.usage_in_bytes", "memory.current");
        self.processes = self.processes.max(pids.unwrap_or(0));
        self.memory_bytes = self.memory_bytes.max(memory.unwrap_or(0));
    }

    /// What a person would look at first.
    pub fn end(&self) -> String {
        let state = self.end.state.clone().unwrap_or_default();
        let line = self
            .log
            .lines()
            .rev()
            .find(|line| !line.trim().is_empty())
            .unwrap_or("nothing");
        let oom = if state.oom_killed == Some(true) {
            ", killed for memory"
        } else {
            ""
        };
        match self.has_ended {
            true => format!(
                "ended with {}{oom}; its last words: {line}",
                state.exit_code.unwrap_or(-1)
            ),
            false => "ran on until it was killed here".to_owned(),
        }
    }
}

fn free(place: &std::path::Path) -> u64 {
    rustix::fs::statvfs(place).map_or(u64::MAX, |stat| stat.f_bavail * stat.f_frsize)
}
