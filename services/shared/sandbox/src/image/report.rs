//! What a look into an archive found, as far as it went.

use serde::{Deserialize, Serialize};

use super::Uid;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// As `docker save` and `podman save` write it.
    DockerArchive,
    OciLayout,
}

impl Format {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DockerArchive => "docker-archive",
            Self::OciLayout => "oci-layout",
        }
    }
}

/// Of an image that is refused, only what was seen before.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Report {
    pub format: Option<Format>,
    /// `sha256:…` of the config's bytes.
    pub digest: Option<String>,
    /// Such as `linux/amd64`.
    pub platform: Option<String>,
    /// As the image names it; empty is root.
    pub user: Option<String>,
    pub uid: Option<Uid>,
    pub entrypoint: Option<Vec<String>>,
    pub working_dir: Option<String>,
    pub volumes: Vec<String>,
    pub has_predict_script: Option<bool>,
    /// Lowest first; before the manifest is read, in the order of the archive.
    pub layers: Vec<LayerFacts>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LayerFacts {
    /// `sha256:…` of the layer, unpacked.
    pub diff_id: String,
    /// Unpacked.
    pub size_bytes: u64,
    pub entries: u64,
}

impl Report {
    pub fn uncompressed_bytes(&self) -> u64 {
        self.layers.iter().map(|layer| layer.size_bytes).sum()
    }
}

/// What the checks found; the engine will know the image by `image_digest`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchiveFacts {
    /// `sha256:…` of the config's bytes.
    pub image_digest: String,
    /// Lowest first.
    pub layers: Vec<LayerFacts>,
    pub uncompressed_bytes: u64,
    /// As the image names it; empty is root.
    pub user: String,
    pub uid: Uid,
    pub working_dir: String,
    pub entrypoint: Vec<String>,
    /// Paths that the image declares as volumes, as written.
    pub volumes: Vec<String>,
    /// The file of the archive that holds a layer, for each of `layers`.
    pub places: Vec<String>,
}

impl ArchiveFacts {
    /// Whether it runs as root for all that the archive says.
    pub fn is_root(&self) -> bool {
        self.uid.may_be_root()
    }
}
