//! What the JSON documents of an archive look like, as far as they count.

use std::collections::BTreeMap;

use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::ArchiveError;

pub(super) const MANIFEST: &[u8] = b"manifest.json";
pub(super) const INDEX: &[u8] = b"index.json";

/// Of Docker's `manifest.json`. Its tags are read by nobody: one could be another team's.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Image {
    pub config: String,
    #[serde(default)]
    pub layers: Option<Vec<String>>,
}

/// An OCI index or manifest: Docker's own have the same fields.
#[derive(Debug, Deserialize)]
pub(super) struct Node {
    #[serde(default)]
    pub manifests: Option<Vec<Descriptor>>,
    #[serde(default)]
    pub config: Option<Descriptor>,
    #[serde(default)]
    pub layers: Option<Vec<Descriptor>>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Descriptor {
    pub digest: String,
    pub size: u64,
    #[serde(default)]
    pub platform: Option<Platform>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Platform {
    #[serde(default)]
    pub architecture: String,
    #[serde(default)]
    pub os: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Config {
    #[serde(default)]
    pub architecture: String,
    #[serde(default)]
    pub os: String,
    #[serde(default)]
    pub rootfs: RootFs,
    #[serde(default)]
    pub config: Option<Process>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct RootFs {
    #[serde(default)]
    pub diff_ids: Option<Vec<String>>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Process {
    #[serde(default)]
    pub user: Option<String>,
    #[serde(default)]
    pub working_dir: Option<String>,
    #[serde(default)]
    pub entrypoint: Option<Vec<String>>,
    #[serde(default)]
    pub volumes: Option<BTreeMap<String, IgnoredAny>>,
}

/// What a container starts as, as far as we do not set it.
const PROCESS: &[&str] = &[
    "User",
    "WorkingDir",
    "Entrypoint",
    "Volumes",
    "Env",
    "Cmd",
    "Shell",
    "StopSignal",
];

fn folded(key: &str) -> String {
    key.to_uppercase().to_lowercase()
}

impl Descriptor {
    /// Where an OCI layout keeps it; none for a digest that is not SHA-256.
    pub fn path(&self) -> Option<String> {
        let hash = self.digest.strip_prefix("sha256:")?;
        let is_hash = hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_hash.then(|| format!("blobs/sha256/{hash}"))
    }

    /// Savers put attestations beside an image as one of a platform that is unknown.
    pub fn is_runnable(&self) -> bool {
        let unknown =
            |platform: &Platform| platform.os == "unknown" && platform.architecture == "unknown";
        !self.platform.as_ref().is_some_and(unknown)
    }
}

impl Config {
    /// The engine reads a key in whatever case it is written, and the last of several: a config that has
    /// one of ours so says two things, and is refused.
    pub fn read(bytes: &[u8]) -> Result<Self, ArchiveError> {
        const WHAT: &str = "the image's config";
        let all: Value = parse(bytes, WHAT)?;
        let known: [(&Value, &[&str]); 3] = [
            (&all, &["architecture", "os", "rootfs", "config"]),
            (&all["rootfs"], &["diff_ids", "type"]),
            (&all["config"], PROCESS),
        ];
        for (object, names) in known {
            let keys = object.as_object().into_iter().flat_map(Map::keys);
            for key in keys.filter(|key| !names.contains(&key.as_str())) {
                if names.iter().any(|name| folded(name) == folded(key)) {
                    let key = crate::collect::printable(key.as_bytes());
                    return Err(ArchiveError::damaged(format!("{WHAT} has a key {key:?}")));
                }
            }
        }
        parse(bytes, WHAT)
    }

    pub fn is_runnable(&self) -> bool {
        self.os != "unknown" && self.architecture != "unknown"
    }
}

pub(super) fn parse<T: DeserializeOwned>(
    bytes: &[u8],
    what: &'static str,
) -> Result<T, ArchiveError> {
    serde_json::from_slice(bytes).map_err(|error| ArchiveError::damaged(format!("{what}: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_config_that_the_engine_would_read_otherwise_is_refused() {
        let read = |text: &str| Config::read(text.as_bytes());
        let config =
            read(r#"{"os": "linux", "Unknown": 1, "config": {"User": "7", "Labels": {}}}"#);
        assert_eq!(config.unwrap().config.unwrap().user.as_deref(), Some("7"));
        for torn in [
            r#"{"config": {"User": "1000", "user": "0"}}"#,
            r#"{"config": {"User": "1000", "U\u017fER": "0"}}"#,
            r#"{"config": {"User": "1000", "User": "0"}}"#,
            r#"{"rootfs": {"diff_ids": []}, "RootFS": {"diff_ids": ["sha256:1"]}}"#,
            r#"{"rootfs": {"diff_ids": [], "Diff_IDs": ["sha256:1"]}}"#,
            r#"{"config": {}, "Config": {"User": "0"}}"#,
        ] {
            assert!(
                matches!(read(torn), Err(ArchiveError::Damaged(_))),
                "{torn}"
            );
        }
    }
}
