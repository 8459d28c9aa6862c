use std::path::{Path, PathBuf};
use std::time::Duration;

use bollard::{API_DEFAULT_VERSION, Docker};

use crate::ceilings::Ceilings;
use crate::in_hand::InHand;
use crate::isolation::Isolation;
use crate::{Error, Gpu, Spec};

/// What a request that does no work may take.
pub(crate) const ANSWER: Duration = Duration::from_secs(20);
/// What create, start, kill and remove may take: the engine works on the disk.
pub(crate) const ACT: Duration = Duration::from_secs(60);

/// A Docker Engine on this machine.
#[derive(Clone)]
pub struct Engine {
    pub(crate) docker: Docker,
    pub(crate) socket: PathBuf,
    pub(crate) gpu: Option<Gpu>,
    pub(crate) ceilings: Ceilings,
    pub(crate) isolation: Isolation,
    pub(crate) in_hand: InHand,
}

/// What the engine says of itself.
#[derive(Debug, Clone)]
pub struct Info {
    pub version: String,
    pub ncpu: u64,
    pub memory_bytes: u64,
    /// Names of the OCI runtimes that a [`Spec`] may ask for.
    pub runtimes: Vec<String>,
    pub root_dir: String,
    pub storage_driver: String,
}

impl Engine {
    /// Connects by a Unix socket and by nothing else: the limits on disk and the sampler need the
    /// engine on our own host.
    pub async fn connect(socket: impl AsRef<Path>) -> Result<Self, Error> {
        let path = socket.as_ref().to_string_lossy().into_owned();
        let docker = Docker::connect_with_unix(&path, 120, API_DEFAULT_VERSION)?;
        let docker = within("version", ANSWER, docker.negotiate_version()).await?;
        within("ping", ANSWER, docker.ping()).await?;
        let ceilings = Ceilings::of_engine(socket.as_ref());
        let info = within("info", ANSWER, docker.info()).await?;
        Ok(Self {
            docker,
            socket: socket.as_ref().to_owned(),
            gpu: None,
            ceilings,
            isolation: Isolation::of(&info),
            in_hand: InHand::default(),
        })
    }

    /// Runs whose [`Spec`] names a GPU are sampled through this one.
    pub fn with_gpu(mut self, gpu: Option<Gpu>) -> Self {
        self.gpu = gpu;
        self
    }

    /// Whether its disk is this machine's: a socket can be forwarded from afar. In a container it is
    /// where the engine's folder is mounted at the same path.
    pub async fn is_here(&self) -> Result<bool, Error> {
        let data = self.info().await?.root_dir;
        let found = std::fs::metadata(data);
        Ok(!found.is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound))
    }

    /// With limits no higher than the engine may give. [`Engine::run`] does so by itself.
    pub fn fit(&self, spec: &Spec) -> Spec {
        self.ceilings.apply(spec)
    }

    pub async fn info(&self) -> Result<Info, Error> {
        let info = within("info", ANSWER, self.docker.info()).await?;
        let mut runtimes: Vec<_> = info.runtimes.unwrap_or_default().into_keys().collect();
        runtimes.sort();
        Ok(Info {
            version: info.server_version.unwrap_or_default(),
            ncpu: positive(info.ncpu),
            memory_bytes: positive(info.mem_total),
            runtimes,
            root_dir: info.docker_root_dir.unwrap_or_default(),
            storage_driver: info.driver.unwrap_or_default(),
        })
    }
}

fn positive(value: Option<i64>) -> u64 {
    value
        .and_then(|value| u64::try_from(value).ok())
        .unwrap_or(0)
}

/// No request to the engine waits for ever.
pub(crate) async fn within<T>(
    what: &'static str,
    limit: Duration,
    request: impl Future<Output = Result<T, bollard::errors::Error>>,
) -> Result<T, Error> {
    match tokio::time::timeout(limit, request).await {
        Ok(answer) => Ok(answer?),
        Err(_) => Err(Error::Deadline(what)),
    }
}

/// The engine's own "there is no such thing".
pub(crate) fn is_not_found(error: &Error) -> bool {
    is_status(error, 404)
}

pub(crate) fn is_status(error: &Error, status: u16) -> bool {
    matches!(
        error,
        Error::Docker(bollard::errors::Error::DockerResponseServerError { status_code, .. })
            if *status_code == status
    )
}
