//! Where `molar login` keeps its token: one file, readable by its owner only.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use serde::{Deserialize, Serialize};

use super::api::Api;

/// Where the platform is and as whom to speak to it.
#[derive(Debug, Clone, clap::Args)]
pub struct Connection {
    /// The platform's address; `molar login` remembers it.
    #[arg(long, env = "MOLAR_URL")]
    pub url: Option<String>,
    /// A token of the API, instead of the one that `molar login` remembers.
    #[arg(long, env = "MOLAR_TOKEN", hide_env_values = true)]
    pub token: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Credentials {
    pub url: String,
    pub token: String,
}

impl Connection {
    /// With the remembered token where there is one.
    pub fn api(&self) -> anyhow::Result<Api> {
        let kept = Credentials::load()?;
        let url = match (&self.url, &kept) {
            (Some(url), _) => url.clone(),
            (None, Some(kept)) => kept.url.clone(),
            (None, None) => bail!(
                "say where Molar is: --url https://…, MOLAR_URL, or `molar login --url …` once"
            ),
        };
        let token = self.token.clone().or_else(|| {
            kept.filter(|kept| kept.url.trim_end_matches('/') == url.trim_end_matches('/'))
                .map(|kept| kept.token)
        });
        Api::new(&url, token)
    }

    /// Fails where nobody is logged in.
    pub fn signed_in(&self) -> anyhow::Result<Api> {
        let api = self.api()?;
        if !api.has_token() {
            bail!(
                "you are not logged in at {}: run `molar login` first, or set MOLAR_TOKEN",
                api.base()
            );
        }
        Ok(api)
    }
}

impl Credentials {
    fn path() -> anyhow::Result<PathBuf> {
        if let Some(path) = std::env::var_os("MOLAR_CREDENTIALS") {
            return Ok(path.into());
        }
        let home = std::env::var_os("HOME")
            .context("HOME is not set, so there is no place for a token; use MOLAR_TOKEN")?;
        Ok(PathBuf::from(home).join(".config/molar/credentials.json"))
    }

    pub fn load() -> anyhow::Result<Option<Self>> {
        let Ok(path) = Self::path() else {
            return Ok(None);
        };
        match std::fs::read(&path) {
            Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes).with_context(|| {
                format!("{} is damaged; delete it and log in again", path.display())
            })?)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
        }
    }

    pub fn save(&self) -> anyhow::Result<PathBuf> {
        let path = Self::path()?;
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let temporary = path.with_extension("new");
        let mut file = std::fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&temporary)?;
        file.write_all(&serde_json::to_vec_pretty(self)?)?;
        file.sync_all()?;
        std::fs::rename(&temporary, &path)?;
        Ok(path)
    }

    pub fn forget() -> anyhow::Result<()> {
        match std::fs::remove_file(Self::path()?) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }
}
