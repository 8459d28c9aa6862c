//! Image archives: looked into by streaming, loaded by digest, never trusted.
//!
//! The digest of an image is the SHA-256 of its config bytes, which we compute; the config lists the
//! digests of the layers, which we compute too. Names and tags in an archive mean nothing here.

mod choose;
mod documents;
mod error;
mod inspect;
mod layer;
mod load;
mod manifest;
mod report;
mod split;
mod stored;
mod stream;
mod tarball;
mod user;

pub use error::ArchiveError;
pub use inspect::{inspect_archive, report_on};
pub use report::{ArchiveFacts, Format, LayerFacts, Report};
pub use split::{CONFIG_FILE, PackedLayer, split};
pub use stored::{OpenLayer, StoredImage, StoredLayer};
pub(crate) use tarball::first_file;
pub use user::Uid;
pub(crate) use user::{Passwd, resolve};

/// How much of an archive is looked at before it is refused.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Of all layers together, unpacked.
    pub uncompressed_bytes: u64,
    /// Files, folders and links of all layers together.
    pub entries: u64,
    /// Of the manifest and of the config, each.
    pub json_bytes: u64,
}

impl Default for Limits {
    /// A CUDA base with PyTorch and weights unpacks to 10 to 20 GB and some 300,000 files.
    fn default() -> Self {
        Self {
            uncompressed_bytes: 60 << 30,
            entries: 2_000_000,
            json_bytes: 8 << 20,
        }
    }
}
