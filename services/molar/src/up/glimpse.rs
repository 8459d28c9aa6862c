//! What the data folder of a running `up` tells other commands.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::Context;
use secrecy::SecretString;
use url::Url;

use super::data_folder::State;
use super::postgres;
use super::secrets::Secrets;

/// What a data folder says to a command beside the `up` that holds its lock.
pub struct Glimpse {
    secrets: Secrets,
    ports: BTreeMap<String, u16>,
}

impl Glimpse {
    pub fn of(folder: &Path) -> anyhow::Result<Self> {
        let read = |name: &str| {
            let file = folder.join(name);
            fs::read_to_string(&file)
                .with_context(|| format!("{} is no data folder of `molar up`", folder.display()))
        };
        let state: State = serde_json::from_str(&read("state.json")?)?;
        Ok(Self {
            secrets: serde_json::from_str(&read("secrets.json")?)?,
            ports: state.ports,
        })
    }

    fn port(&self, name: &str) -> anyhow::Result<u16> {
        let port = self.ports.get(name);
        let hint = "start `molar up` on this folder; it must run meanwhile";
        Ok(*port.with_context(|| format!("the folder knows no port of {name}: {hint}"))?)
    }

    /// Of the private database, as its owner.
    pub fn owner_url(&self) -> anyhow::Result<SecretString> {
        let port = self.port("postgres")?;
        let password = self.secrets.postgres_owner.expose();
        Ok(postgres::owner_url(password, port, postgres::DATABASE).into())
    }

    /// Of the embedded store.
    pub fn s3_endpoint(&self) -> anyhow::Result<Url> {
        Ok(format!("http://127.0.0.1:{}", self.port("s3")?).parse()?)
    }

    pub fn s3_key(&self, role: &str) -> anyhow::Result<(String, SecretString)> {
        let key = self.secrets.s3.get(role);
        let key = key.with_context(|| {
            format!("the folder has no key of the store for {role}: start `molar up` on it once")
        })?;
        Ok((
            key.access_key.clone(),
            key.secret_key.expose().to_owned().into(),
        ))
    }
}
