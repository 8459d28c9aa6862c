//! The participant's own Docker.

use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use molar_domain::limits::Limits;
use molar_sandbox::{Engine, Gpu};
use molar_worker::Slot;
use uuid::Uuid;

use super::run::Stage;

const DEFAULT: &str = "/var/run/docker.sock";

/// An engine that answers, and the GPU where this machine has one.
pub async fn find(mut limits: Limits) -> anyhow::Result<Stage> {
    let socket = socket(std::env::var("DOCKER_HOST").ok().as_deref())?;
    let gpu = Gpu::detect();
    let engine = Engine::connect(&socket)
        .await
        .with_context(|| no_docker(&socket))?
        .with_gpu(gpu.clone())
        .trusting_root();
    let name = format!("try-{}", Uuid::new_v4());
    let slot = Slot::whole(&engine, gpu.as_ref(), name).await?;
    if limits.gpus > 0 && slot.card.is_none() {
        eprintln!("molar: this machine has no GPU that can be measured: cases run without one");
        limits.gpus = 0;
    }
    let has = slot.device.memory_bytes;
    if has < limits.memory_bytes {
        let (has, limit) = (has >> 20, limits.memory_bytes >> 20);
        eprintln!(
            "molar: this machine has {has} MiB of memory, and a case may use {limit} MiB on the platform"
        );
    }
    let gpu = slot.gpu_of(&limits).map(|card| {
        let card = &card.device;
        format!("{}, driver {}", card.name, card.driver)
    });
    Ok(Stage {
        engine,
        slot,
        limits,
        gpu,
    })
}

fn no_docker(socket: &Path) -> String {
    format!(
        "no Docker answers at {}: install Docker Engine and start it (`docker info` must work without sudo, or \
         run this as root), or name its socket in DOCKER_HOST as unix:///path/to/docker.sock",
        socket.display()
    )
}

/// The sandbox looks at the container's files and counters: the engine must be on this machine.
fn socket(docker_host: Option<&str>) -> anyhow::Result<PathBuf> {
    match docker_host.filter(|host| !host.is_empty()) {
        None => Ok(DEFAULT.into()),
        Some(host) => match host.strip_prefix("unix://") {
            Some(path) => Ok(path.into()),
            None => bail!(
                "DOCKER_HOST is {host}, and a case can only be measured on this machine: unset it, or name a \
                 socket as unix:///path/to/docker.sock"
            ),
        },
    }
}

pub fn open(archive: &Path) -> anyhow::Result<File> {
    File::open(archive).with_context(|| archive.display().to_string())
}

impl Stage {
    /// Whether the engine had it already.
    pub async fn load(&self, archive: &Path, digest: &str) -> anyhow::Result<bool> {
        if self.engine.has_image(digest).await? {
            return Ok(true);
        }
        self.engine.load(open(archive)?, digest).await?;
        Ok(false)
    }

    /// What stays is told: nothing depends on it.
    pub async fn remove(&self, digest: &str) {
        match self.engine.remove_image(digest).await {
            Ok(true) => {}
            Ok(false) => eprintln!("molar: {digest} is in use and stays"),
            Err(error) => eprintln!("molar: {digest} stays: {error}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_socket_of_this_machine_is_taken() {
        assert_eq!(socket(None).unwrap(), Path::new(DEFAULT));
        assert_eq!(socket(Some("")).unwrap(), Path::new(DEFAULT));
        assert_eq!(
            socket(Some("unix:///run/d.sock")).unwrap(),
            Path::new("/run/d.sock")
        );
        let refused = socket(Some("tcp://host:2375")).unwrap_err().to_string();
        assert!(refused.contains("unset it"), "{refused}");
    }
}
