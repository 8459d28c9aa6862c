//! `molar serve s3`: the embedded object store as a process of its own.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use molar_objects::{BucketNames, Grants, Key, Role, embedded};
use molar_service::Shutdown;
use molar_service::telemetry::{self, LogArgs};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

#[derive(Debug, Clone, clap::Args)]
pub struct StoreArgs {
    #[arg(long, env = "MOLAR_LISTEN", default_value = "127.0.0.1:9000")]
    pub listen: SocketAddr,

    /// Folder of the objects; made if need be.
    #[arg(long, env = "MOLAR_S3_FOLDER")]
    pub folder: PathBuf,

    /// The keys it knows: a JSON object of role to {access_key, secret_key}.
    #[arg(long, env = "MOLAR_S3_KEYS", hide_env_values = true)]
    pub keys: SecretString,

    /// Origins whose pages may put and get from a browser at pre-signed URLs, such as <https://molar.example>.
    #[arg(long, env = "MOLAR_S3_PAGES", value_delimiter = ',')]
    pub pages: Vec<String>,

    #[command(flatten)]
    pub log: LogArgs,
}

#[derive(Deserialize)]
struct KeyPair {
    access_key: String,
    secret_key: SecretString,
}

pub async fn serve(args: StoreArgs) -> anyhow::Result<()> {
    telemetry::init(&args.log)?;
    molar_service::process::log_start("s3", &args);
    let shutdown = Shutdown::new(Duration::from_secs(10));
    shutdown.on_signals()?;
    let pairs: BTreeMap<String, KeyPair> = serde_json::from_str(args.keys.expose_secret())
        .context("MOLAR_S3_KEYS is not what it should be")?;
    let keys = Role::ALL
        .into_iter()
        .filter_map(|role| {
            let pair = pairs.get(role.as_str())?;
            Some((
                role,
                Key {
                    access_key: pair.access_key.clone(),
                    secret_key: pair.secret_key.clone(),
                },
            ))
        })
        .collect();
    let grants = Grants::of_roles(BucketNames::default(), &keys);
    let server = embedded::Server::bind_for_pages(args.listen, &args.folder, grants, args.pages)
        .await
        .with_context(|| format!("cannot serve {} at {}", args.folder.display(), args.listen))?;
    tracing::info!(address = %server.address(), "listening");
    shutdown.token().cancelled().await;
    server.stop().await;
    Ok(())
}
