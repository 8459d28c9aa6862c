//! Every role as a process of its own on the test's database, and an object store; no broker.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use molar_objects::embedded::Server;
use molar_objects::{BucketNames, Grants, Key, Role as Holder, S3Args, Store};
use molar_service::{Role, db};
use secrecy::ExposeSecret as _;
use sqlx::{ConnectOptions as _, PgPool};
use tempfile::TempDir;

pub struct System {
    /// By role; `worker-api` is the other listener of `execution`.
    addresses: BTreeMap<String, SocketAddr>,
    /// As `execution` uses it: it may put logs.
    pub store: Store,
    roles: Vec<Child>,
    server: Server,
    folder: TempDir,
}

impl System {
    pub async fn start(owner: &PgPool) -> Self {
        let mut system = Self::of_store(owner).await;
        system.serve(owner).await;
        system
    }

    /// The store alone, and the logins of the database.
    pub async fn of_store(owner: &PgPool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let objects = folder.path().join("s3");
        Self::with(owner, folder, &objects).await
    }

    /// The same with the objects in a folder elsewhere.
    pub async fn of_store_in(owner: &PgPool, objects: &Path) -> Self {
        Self::with(owner, tempfile::tempdir().unwrap(), objects).await
    }

    async fn with(owner: &PgPool, folder: TempDir, objects: &Path) -> Self {
        make_logins(owner).await;
        let server = serve(objects).await;
        let endpoint = server.endpoint();
        let owner_of_buckets = open(&endpoint, Holder::Owner);
        owner_of_buckets.ensure_buckets().await.unwrap();
        Self {
            addresses: BTreeMap::new(),
            store: open(&endpoint, Holder::Execution),
            roles: Vec::new(),
            server,
            folder,
        }
    }

    /// Starts the roles.
    pub async fn serve(&mut self, owner: &PgPool) {
        let endpoint = self.endpoint();
        let folder_of = |role: Role| self.folder.path().join(role.as_str());
        for role in Role::ALL {
            std::fs::create_dir(folder_of(*role)).unwrap();
            let child = command(owner, *role, &endpoint, &folder_of(*role)).spawn();
            self.roles.push(child.unwrap());
        }
        for role in Role::ALL {
            for (name, address) in listeners(&folder_of(*role)).await {
                let name = match &*name {
                    "http" => role.as_str().to_owned(),
                    _ => name,
                };
                self.addresses.insert(name, address);
            }
        }
    }

    pub fn endpoint(&self) -> String {
        self.server.endpoint()
    }

    pub fn store_of(&self, holder: Holder) -> Store {
        open(&self.endpoint(), holder)
    }

    pub fn url(&self, listener: &str, path: &str) -> String {
        format!("http://{}{path}", self.addresses[listener])
    }
}

impl Drop for System {
    fn drop(&mut self) {
        for role in &mut self.roles {
            let _ = role.kill();
            let _ = role.wait();
        }
    }
}

/// The passwords of a test's cluster, as other tests set them. The cluster is shared: somebody may be at
/// the same row, in another database, where no lock of ours reaches.
async fn make_logins(owner: &PgPool) {
    for _ in 0..20 {
        let mut conn = owner.acquire().await.unwrap();
        match db::ensure_logins(&mut conn, |role| role.as_str().into()).await {
            Ok(()) => return,
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
    panic!("the logins could not be made");
}

pub const CSRF_KEY: &str = "the key of a test";

fn command(owner: &PgPool, role: Role, endpoint: &str, folder: &Path) -> Command {
    let database = (*owner.connect_options()).clone();
    let database = database.username(&role.login()).password(role.as_str());
    let key = key(match role {
        // It holds no key, and is told one all the same: others would not be read.
        Role::Registration | Role::Tracks => Holder::Tracks,
        Role::Submission => Holder::Submission,
        Role::Execution => Holder::Execution,
        Role::Scoring => Holder::Scoring,
        Role::Leaderboard => Holder::Leaderboard,
    });
    let log = std::fs::File::create(folder.join("log")).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_molar"));
    command
        .args(["serve", role.as_str()])
        .env_clear()
        .env("MOLAR_DATABASE_URL", database.to_url_lossy().as_str())
        .env("MOLAR_DATABASE_CONNECTIONS", "4")
        .env("MOLAR_AMQP_URL", "amqp://nobody:nothing@127.0.0.1:1/none")
        .env("MOLAR_LISTEN", "127.0.0.1:0")
        .env("MOLAR_WORKER_LISTEN", "127.0.0.1:0")
        .env("MOLAR_READY_FILE", folder.join("ready"))
        .env("MOLAR_PUBLIC_URL", "http://molar.test")
        .env("MOLAR_CSRF_KEY", CSRF_KEY)
        .env("MOLAR_READS_PER_S", "0")
        .env("MOLAR_WRITES_PER_S", "0")
        .env("MOLAR_WORK_DIR", folder)
        .env("MOLAR_CHECK_DIR", folder)
        .env("MOLAR_S3_ENDPOINT", endpoint)
        .env("MOLAR_S3_ACCESS_KEY", key.access_key)
        .env("MOLAR_S3_SECRET_KEY", key.secret_key.expose_secret())
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log);
    command
}

async fn listeners(folder: &Path) -> BTreeMap<String, SocketAddr> {
    let until = Instant::now() + Duration::from_secs(60);
    loop {
        if let Ok(text) = std::fs::read_to_string(folder.join("ready")) {
            return serde_json::from_str(&text).unwrap();
        }
        if Instant::now() > until {
            let log = std::fs::read_to_string(folder.join("log")).unwrap_or_default();
            panic!("{} did not start:\n{log}", folder.display());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

pub fn key(role: Holder) -> Key {
    Key {
        access_key: format!("key-of-{role}"),
        secret_key: format!("secret of {role}").into(),
    }
}

async fn serve(folder: &Path) -> Server {
    let keys = Holder::ALL.into_iter().map(|role| (role, key(role)));
    let grants = Grants::of_roles(BucketNames::default(), &keys.collect());
    let at = SocketAddr::from(([127, 0, 0, 1], 0));
    Server::bind(at, folder, grants).await.unwrap()
}

fn open(endpoint: &str, role: Holder) -> Store {
    let key = key(role);
    Store::connect(&S3Args {
        endpoint: endpoint.parse().unwrap(),
        public_endpoint: None,
        region: "us-east-1".to_owned(),
        access_key: key.access_key,
        secret_key: key.secret_key,
        bucket_prefix: "molar-".to_owned(),
    })
    .unwrap()
}
