//! [`molar_objects::Store`] against the embedded server, over the network as the roles use it.

#![expect(clippy::unwrap_used, reason = "a test ends where something fails")]

mod cors;
mod grants;
mod multipart;
mod objects;
mod presigned;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use molar_objects::embedded::Server;
use molar_objects::{BucketNames, Grants, Key, Presigned, Role, S3Args, Store};
use tempfile::TempDir;

const MINUTE: Duration = Duration::from_secs(60);

/// A running server and the folder it serves, which goes with it.
struct Fixture {
    server: Server,
    folder: TempDir,
}

impl Fixture {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let server = serve(folder.path()).await;
        let fixture = Self { server, folder };
        fixture.store(Role::Owner).ensure_buckets().await.unwrap();
        fixture
    }

    async fn restart(self) -> Self {
        self.server.stop().await;
        Self {
            server: serve(self.folder.path()).await,
            folder: self.folder,
        }
    }

    fn store(&self, role: Role) -> Store {
        store(&self.server.endpoint(), key(role))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

async fn serve(folder: &Path) -> Server {
    let keys: BTreeMap<_, _> = Role::ALL
        .into_iter()
        .map(|role| (role, key(role)))
        .collect();
    let grants = Grants::of_roles(BucketNames::default(), &keys);
    let address = SocketAddr::from(([127, 0, 0, 1], 0));
    Server::bind_for_pages(address, folder, grants, vec![cors::PAGE.to_owned()])
        .await
        .unwrap()
}

fn key(role: Role) -> Key {
    Key {
        access_key: format!("key-of-{role}"),
        secret_key: format!("secret of {role}").into(),
    }
}

fn store(endpoint: &str, key: Key) -> Store {
    let args = S3Args {
        endpoint: endpoint.parse().unwrap(),
        public_endpoint: None,
        region: "us-east-1".to_owned(),
        access_key: key.access_key,
        secret_key: key.secret_key,
        bucket_prefix: "molar-".to_owned(),
    };
    Store::connect(&args).unwrap()
}

/// As a participant or a worker sends it: without a key.
async fn send(request: &Presigned, body: impl Into<Vec<u8>>) -> reqwest::Response {
    build(request).body(body.into()).send().await.unwrap()
}

fn build(request: &Presigned) -> reqwest::RequestBuilder {
    // An error says that another test was first, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let method = request.method.parse().unwrap();
    let mut builder = reqwest::Client::new().request(method, &request.url);
    for (name, value) in &request.headers {
        builder = builder.header(name, value);
    }
    builder
}
