//! What `molar up` starts on top of the servers: the object store, every role, one worker, the front.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use molar_domain::{Clock as _, SystemClock};
use rustix::process::Signal;
use secrecy::{ExposeSecret as _, SecretString};

use crate::up::{Child, Part, ROLES, Ready, Servers, Supervisor, Tier, UpArgs, nginx};
use crate::{admin, migrate, owner, roles};

/// Where the platform that was started can be reached.
pub struct Platform {
    pub url: String,
    pub owner_url: SecretString,
}

/// Roles that hold a key of the object store.
const WITH_OBJECTS: [&str; 5] = [
    "tracks",
    "submission",
    "execution",
    "scoring",
    "leaderboard",
];

pub async fn start(
    up: &Supervisor,
    args: &UpArgs,
    servers: &Servers,
) -> anyhow::Result<Option<Platform>> {
    let Some(postgres) = &servers.postgres else {
        return Ok(None);
    };
    let starter = Starter {
        up,
        args,
        servers,
        program: std::env::current_exe()?,
    };
    let front_port = match args.port {
        Some(port) => port,
        None => up.folder().port("front")?,
    };
    if !args.wants(Part::Roles) {
        if args.wants(Part::S3) {
            starter.store(front_port).await?;
        }
        return Ok(None);
    }
    let migrating = up.terminal().begin("schema", "migrating");
    migrate::migrate(postgres.owner_url(), &passwords(servers)).await?;
    migrating.done("migrated", "");

    let store = starter.store(front_port).await?;
    let url = format!("http://127.0.0.1:{front_port}");
    let mut addresses = Vec::new();
    for role in ROLES {
        addresses.push((role, starter.address(role)?));
    }
    let worker_api = starter.address("worker-api")?;
    for (role, address) in &addresses {
        starter
            .role(role, *address, worker_api, &url, &store)
            .await?;
    }
    let owner_url: SecretString = postgres.owner_url().to_owned().into();
    if args.wants(Part::Worker) {
        starter.worker(worker_api, &owner_url).await?;
    }
    if args.wants(Part::Nginx) {
        starter.front(front_port, &addresses).await?;
    }
    Ok(Some(Platform { url, owner_url }))
}

/// Of the login roles, as the data folder keeps them.
fn passwords(servers: &Servers) -> BTreeMap<String, SecretString> {
    let kept = &servers.folder.secrets().postgres;
    kept.iter()
        .map(|(role, password)| (role.clone(), password.into()))
        .collect()
}

struct Starter<'a> {
    up: &'a Supervisor,
    args: &'a UpArgs,
    servers: &'a Servers,
    program: PathBuf,
}

impl Starter<'_> {
    fn address(&self, name: &str) -> anyhow::Result<SocketAddr> {
        Ok(([127, 0, 0, 1], self.up.folder().port(name)?).into())
    }

    /// Starts the embedded object store, unless another was given. Returns its endpoint.
    async fn store(&self, front_port: u16) -> anyhow::Result<String> {
        if let Some(endpoint) = &self.args.s3_endpoint {
            return Ok(endpoint.clone());
        }
        let address = self.address("s3")?;
        let endpoint = format!("http://{address}");
        let keys = serde_json::to_string(&self.servers.folder.secrets().s3)?;
        let folder = self.up.folder().path().join("objects");
        let pages = format!("http://127.0.0.1:{front_port},http://localhost:{front_port}");
        let owner = molar_objects::S3Args {
            endpoint: endpoint.parse()?,
            public_endpoint: None,
            region: "us-east-1".into(),
            access_key: self.s3_key("owner")?.0,
            secret_key: self.s3_key("owner")?.1,
            bucket_prefix: "molar-".into(),
        };
        let buckets: crate::up::Check = std::sync::Arc::new(move || {
            let owner = owner.clone();
            Box::pin(async move {
                Ok(molar_objects::Store::connect(&owner)?
                    .ensure_buckets()
                    .await?)
            })
        });
        let child = Child::new("s3", Tier::Role, &self.program)
            .args(["serve", "s3"])
            .env("MOLAR_LISTEN", address.to_string())
            .env("MOLAR_S3_FOLDER", &folder)
            .env("MOLAR_S3_KEYS", keys)
            .env("MOLAR_S3_PAGES", pages)
            .ready(Ready::Tcp(address), Duration::from_secs(30))
            .prepare(buckets)
            .note(&endpoint);
        self.up.start(child).await?;
        Ok(endpoint)
    }

    fn s3_key(&self, role: &str) -> anyhow::Result<(String, SecretString)> {
        if let (Some(access), Some(secret)) = (&self.args.s3_access_key, &self.args.s3_secret_key) {
            return Ok((access.clone(), secret.clone()));
        }
        let key = self.servers.folder.secrets().s3.get(role);
        let key =
            key.with_context(|| format!("the data folder has no object store key for {role}"))?;
        Ok((key.access_key.clone(), (&key.secret_key).into()))
    }

    async fn role(
        &self,
        role: &str,
        address: SocketAddr,
        worker_api: SocketAddr,
        public_url: &str,
        store: &str,
    ) -> anyhow::Result<()> {
        let database = self
            .servers
            .database_url(role)?
            .context("roles need PostgreSQL")?;
        let broker = self
            .servers
            .amqp_url(role)?
            .context("roles need RabbitMQ")?;
        let work = self.up.folder().path().join("work").join(role);
        std::fs::create_dir_all(&work)?;
        let mut child = Child::new(role, Tier::Role, &self.program)
            .args(["serve", role])
            .folder(&work)
            .env("MOLAR_DATABASE_URL", database.expose_secret())
            .env("MOLAR_AMQP_URL", broker.expose_secret())
            .env("MOLAR_LISTEN", address.to_string())
            .env("MOLAR_PUBLIC_URL", public_url)
            .env(
                "MOLAR_CSRF_KEY",
                self.servers.folder.secrets().session.expose(),
            )
            .env("MOLAR_WORK_DIR", &work)
            .env("MOLAR_CHECK_DIR", &work)
            .ready(
                Ready::Http(format!("http://{address}/readyz")),
                Duration::from_secs(60),
            )
            .stop(Signal::TERM, Duration::from_secs(45));
        if WITH_OBJECTS.contains(&role) {
            let (access, secret) = self.s3_key(role)?;
            child = child
                .env("MOLAR_S3_ENDPOINT", store)
                .env("MOLAR_S3_ACCESS_KEY", access)
                .env("MOLAR_S3_SECRET_KEY", secret.expose_secret());
        }
        if role == "registration" {
            // Whoever runs this on a machine of theirs reads mail in a folder, or not at all.
            child = child
                .env("MOLAR_MAIL_DIR", self.up.folder().path().join("mail"))
                .env("MOLAR_MAIL_VERIFICATION", "off");
        }
        if role == "execution" {
            child = child
                .env("MOLAR_WORKER_LISTEN", worker_api.to_string())
                .env("MOLAR_LEASE_S", self.args.lease.lease_s.to_string());
        }
        if let ("submission", Some(seconds)) = (role, self.args.part_url_s) {
            child = child.env("MOLAR_PART_URL_S", seconds.to_string());
        }
        self.up.start(child).await
    }

    /// One worker. It gets no database and no object store variable.
    async fn worker(&self, api: SocketAddr, owner_url: &SecretString) -> anyhow::Result<()> {
        let Some(docker) = &self.servers.docker else {
            return Ok(());
        };
        let socket = docker
            .socket()
            .context("the worker runs on its engine's host: DOCKER_HOST must be a unix socket")?;
        let work = self.up.folder().path().join("work/worker");
        std::fs::create_dir_all(&work)?;
        let key_file = self.up.folder().path().join("worker.key");
        let mut child = Child::new("worker", Tier::Worker, &self.program)
            .arg("worker")
            .folder(&work)
            .env("MOLAR_WORKER_API", format!("http://{api}"))
            .env("MOLAR_WORKER_KEY_FILE", &key_file)
            .env("MOLAR_DOCKER_SOCKET", socket)
            .env("MOLAR_WORK_DIR", &work)
            .env("MOLAR_WORKER_CLASS", "cpu")
            .stop(Signal::TERM, Duration::from_secs(45));
        if let Some(broker) = self.servers.amqp_url("worker")? {
            child = child.env("MOLAR_AMQP_URL", broker.expose_secret());
        }
        if !key_file.exists() {
            let pool = owner::connect(owner_url).await?;
            let token = admin::enrolment_token(&pool, SystemClock.now()).await?;
            pool.close().await;
            child = child.env("MOLAR_ENROLMENT_TOKEN", token);
        }
        self.up.start(child).await
    }

    async fn front(&self, port: u16, addresses: &[(&str, SocketAddr)]) -> anyhow::Result<()> {
        let of = |role: &str| {
            addresses
                .iter()
                .find(|(name, _)| *name == role)
                .map(|(_, address)| *address)
        };
        let routes: Vec<(&str, SocketAddr)> = roles::PREFIXES
            .iter()
            .filter_map(|(prefix, role)| Some((*prefix, of(role)?)))
            .collect();
        let default = of("tracks").context("tracks serves what nobody else does")?;
        nginx::start(
            self.up,
            &nginx::Front {
                routes: &routes,
                default,
                port,
            },
        )
        .await
    }
}
