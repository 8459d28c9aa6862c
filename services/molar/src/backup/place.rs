//! Which database and which store: of a `molar up` that runs, or as they are named.

use std::path::PathBuf;

use anyhow::Context as _;
use molar_objects::{S3Args, Store};
use secrecy::SecretString;

use crate::up::Glimpse;

#[derive(Debug, Clone, clap::Args)]
pub struct Place {
    /// Data folder of a `molar up` that runs now; its database and its store are meant.
    #[arg(long, value_name = "FOLDER")]
    data: Option<PathBuf>,

    /// The owner's database URL.
    #[arg(long, env = "MOLAR_OWNER_DATABASE_URL", hide_env_values = true)]
    database_url: Option<SecretString>,

    /// S3 endpoint of the store.
    #[arg(long, env = "MOLAR_S3_ENDPOINT")]
    s3_endpoint: Option<url::Url>,

    /// A key that may read every bucket and, to restore, put into it; no process of Molar holds it.
    #[arg(long, env = "MOLAR_BACKUP_ACCESS_KEY")]
    access_key: Option<String>,

    #[arg(long, env = "MOLAR_BACKUP_SECRET_KEY", hide_env_values = true)]
    secret_key: Option<SecretString>,

    /// What the names of the buckets start with.
    #[arg(long, env = "MOLAR_S3_BUCKET_PREFIX", default_value = "molar-")]
    bucket_prefix: String,
}

/// Both, found.
pub struct Found {
    pub database_url: SecretString,
    pub store: Store,
}

impl Place {
    pub fn find(&self) -> anyhow::Result<Found> {
        let (database_url, endpoint, access_key, secret_key) = match &self.data {
            Some(folder) => {
                let seen = Glimpse::of(folder)?;
                let key = seen.s3_key("backup")?;
                (seen.owner_url()?, seen.s3_endpoint()?, key.0, key.1)
            }
            None => (
                self.database_url
                    .clone()
                    .context("name the database: --database-url, or --data of a `molar up`")?,
                self.s3_endpoint
                    .clone()
                    .context("name the store: --s3-endpoint")?,
                self.access_key
                    .clone()
                    .context("name the key of the store: --access-key")?,
                self.secret_key
                    .clone()
                    .context("name the key of the store: --secret-key")?,
            ),
        };
        let store = Store::connect(&S3Args {
            endpoint,
            public_endpoint: None,
            region: "us-east-1".to_owned(),
            access_key,
            secret_key,
            bucket_prefix: self.bucket_prefix.clone(),
        })?;
        Ok(Found {
            database_url,
            store,
        })
    }
}
