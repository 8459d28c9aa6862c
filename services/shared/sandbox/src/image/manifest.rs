//! The two JSON documents of an archive that count, and where their names lead.

use std::collections::{BTreeMap, HashMap};

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use super::ArchiveError;
use super::tarball::{Kind, components, join, normalise, parent};

pub(super) const MANIFEST: &[u8] = b"manifest.json";

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Image {
    pub config: String,
    /// Read by nobody: a tag in an archive could be another team's.
    #[serde(default, skip_deserializing)]
    pub repo_tags: Option<Vec<String>>,
    #[serde(default)]
    pub layers: Option<Vec<String>>,
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

#[derive(Debug, Default, Deserialize)]
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

impl Config {
    pub fn parse(bytes: &[u8]) -> Result<Self, ArchiveError> {
        serde_json::from_slice(bytes)
            .map_err(|error| ArchiveError::damaged(format!("the image's config: {error}")))
    }

    pub fn is_runnable(&self) -> bool {
        self.os != "unknown" && self.architecture != "unknown"
    }
}

/// One entry per image: an image saved under two tags is still one.
pub(super) fn parse(bytes: &[u8]) -> Result<Vec<Image>, ArchiveError> {
    let mut images: Vec<Image> = serde_json::from_slice(bytes)
        .map_err(|error| ArchiveError::NotAnArchive(format!("manifest.json: {error}")))?;
    let mut seen = std::collections::HashSet::new();
    images.retain(|image| seen.insert(image.config.clone()));
    Ok(images)
}

/// The names in the archive itself, and which of them are links to others.
#[derive(Default)]
pub(super) struct Names {
    links: HashMap<Vec<u8>, Option<Vec<u8>>>,
}

impl Names {
    /// Refuses what no saver writes: a name twice, a file behind a link, anything but files, folders
    /// and links within the archive.
    pub fn add(&mut self, path: &[u8], kind: &Kind) -> Result<(), ArchiveError> {
        for (at, _) in path.iter().enumerate().filter(|&(_, &byte)| byte == b'/') {
            if let Some(Some(_)) = self.links.get(&path[..at]) {
                return Err(ArchiveError::hostile(path, "is written through a link"));
            }
        }
        let target = match kind {
            Kind::Folder => return Ok(()),
            Kind::File => None,
            Kind::Symlink(target) => Some(
                join(parent(path), target)
                    .ok_or_else(|| ArchiveError::hostile(path, "links out of the archive"))?,
            ),
            Kind::HardLink(_) | Kind::Special => {
                return Err(ArchiveError::hostile(path, "is not a plain file"));
            }
        };
        match self.links.insert(path.to_vec(), target) {
            None => Ok(()),
            Some(_) => Err(ArchiveError::hostile(path, "is in the archive twice")),
        }
    }

    /// Where a name in the manifest leads. Savers link a layer that occurs twice to the first, so
    /// one step is all there is.
    pub fn resolve(&self, name: &str) -> Option<Vec<u8>> {
        let path = normalise(name.as_bytes())?;
        match self.links.get(&path)? {
            None => Some(path),
            Some(target) => Some(target.clone()),
        }
    }

    /// What the file might be instead, when it has no manifest.
    pub fn guess(&self) -> String {
        let has = |name: &[u8]| self.links.contains_key(name);
        let top = |name: &[u8]| {
            self.links
                .keys()
                .any(|path| components(path).next() == Some(name))
        };
        if has(b"oci-layout") || has(b"index.json") {
            "it is an OCI layout without manifest.json (buildx: use `--output type=docker`; podman: \
             use `--format docker-archive`)"
                .into()
        } else if top(b"etc") || top(b"usr") || top(b"bin") {
            "it holds a file system, as `docker export` writes it, not an image".into()
        } else {
            "it has no manifest.json".into()
        }
    }
}
