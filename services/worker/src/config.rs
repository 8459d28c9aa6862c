//! What a worker is told.

use std::path::PathBuf;

use molar_service::shutdown::ShutdownArgs;
use molar_service::telemetry::LogArgs;
use secrecy::SecretString;
use url::Url;

#[derive(Debug, Clone, clap::Args)]
pub struct Config {
    /// The worker API of the platform.
    #[arg(long, env = "MOLAR_WORKER_API")]
    pub api: Url,

    /// Where the worker's own key is kept; made on enrolment, readable by its owner only.
    #[arg(long, env = "MOLAR_WORKER_KEY_FILE", default_value = "worker.key")]
    pub key_file: PathBuf,

    /// One-time token to enrol with, where there is no key yet.
    #[arg(long, env = "MOLAR_ENROLMENT_TOKEN", hide_env_values = true)]
    pub enrolment_token: Option<SecretString>,

    /// What it is called in the organizers' console; by default the host's name.
    #[arg(long, env = "MOLAR_WORKER_NAME")]
    pub name: Option<String>,

    /// The class of its devices: times are compared within a class only.
    #[arg(long, env = "MOLAR_WORKER_CLASS", default_value = "cpu")]
    pub class: String,

    /// Case runs at a time: one GPU each, or none.
    #[arg(long, env = "MOLAR_WORKER_SLOTS", default_value_t = 1)]
    pub slots: u16,

    /// Memory that each slot may give to a case run; by default three quarters of the host's, shared out.
    #[arg(long, env = "MOLAR_WORKER_SLOT_MEMORY_BYTES")]
    pub slot_memory_bytes: Option<u64>,

    /// Unix socket of the Docker Engine on this host.
    #[arg(
        long,
        env = "MOLAR_DOCKER_SOCKET",
        default_value = "/var/run/docker.sock",
        value_parser = socket
    )]
    pub docker_socket: PathBuf,

    /// Runtime of the containers, such as runsc; by default the engine's.
    #[arg(long, env = "MOLAR_WORKER_RUNTIME")]
    pub runtime: Option<String>,

    /// Inputs and outputs of running cases; emptied on start.
    #[arg(long, env = "MOLAR_WORK_DIR", default_value = "work")]
    pub work_dir: PathBuf,

    /// What the images that this worker loads may take on the engine's disk; those used longest ago go
    /// first [default: half of that disk]
    #[arg(long, env = "MOLAR_WORKER_IMAGE_BUDGET_BYTES")]
    pub image_budget_bytes: Option<u64>,

    /// Below so much free disk, of the engine or of the work folder, nothing is claimed.
    #[arg(long, env = "MOLAR_WORKER_FREE_BYTES", default_value_t = molar_sandbox::FREE_BYTES)]
    pub free_bytes: u64,

    /// RabbitMQ, as the user `worker`; without it the worker asks every few seconds.
    #[arg(long, env = "MOLAR_AMQP_URL", hide_env_values = true)]
    pub amqp_url: Option<SecretString>,

    #[command(flatten)]
    pub log: LogArgs,

    #[command(flatten)]
    pub shutdown: ShutdownArgs,
}

/// A path, also as `DOCKER_HOST` writes it.
fn socket(text: &str) -> Result<PathBuf, String> {
    match text.split_once("://") {
        None => Ok(text.into()),
        Some(("unix", path)) => Ok(path.into()),
        Some(_) => Err(
            "is on another machine; a worker bounds and measures containers on the engine's own host: \
             run it there and give the path of the engine's Unix socket"
                .into(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_engine_on_another_machine_is_refused() {
        assert_eq!(socket("/run/d.sock"), Ok("/run/d.sock".into()));
        assert_eq!(socket("unix:///run/d.sock"), Ok("/run/d.sock".into()));
        for far in [
            "tcp://10.0.0.1:2375",
            "ssh://root@gpu",
            "npipe:////./pipe/d",
        ] {
            assert!(
                socket(far).unwrap_err().contains("another machine"),
                "{far}"
            );
        }
    }
}
