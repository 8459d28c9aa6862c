//! Which of an archive's files are the image.
//!
//! The check and the load both ask here, so that both understand an archive in the same way.

use sha2::{Digest as _, Sha256};

use super::documents::{Documents, Place};
use super::manifest::{self, Config, Descriptor, INDEX, Image, MANIFEST, Node};
use super::{ArchiveError, Format};

/// Far beyond what a saver lists, and far below what would take a minute to follow.
const MANIFESTS: usize = 100;

/// The one runnable image of an archive.
pub(super) struct Chosen {
    pub format: Format,
    pub config: Config,
    pub config_bytes: Vec<u8>,
    /// Lowest first; none where the archive lacks the file.
    pub layers: Vec<Option<Place>>,
}

impl Chosen {
    pub fn digest(&self) -> String {
        digest_of(&self.config_bytes)
    }
}

pub(super) fn digest_of(bytes: &[u8]) -> String {
    format!("sha256:{}", hex::encode(Sha256::digest(bytes)))
}

/// Docker's manifest goes first, as it does with the engine.
pub(super) fn choose(documents: &Documents) -> Result<Chosen, ArchiveError> {
    let images = if let Some(bytes) = documents.top(MANIFEST) {
        docker_images(documents, bytes)?
    } else if let Some(bytes) = documents.top(INDEX) {
        oci_images(documents, bytes)?
    } else {
        return Err(ArchiveError::NotAnArchive(documents.guess()));
    };
    the_one(images)
}

fn the_one(mut images: Vec<Chosen>) -> Result<Chosen, ArchiveError> {
    if images.len() > 1 {
        images.retain(|image| image.config.is_runnable());
    }
    match images.len() {
        1 => Ok(images.remove(0)),
        0 => Err(ArchiveError::NotAnArchive(
            "its manifest names no image".into(),
        )),
        several => Err(ArchiveError::SeveralImages(several)),
    }
}

/// One entry per image: an image saved under two tags is still one.
fn docker_images(documents: &Documents, bytes: &[u8]) -> Result<Vec<Chosen>, ArchiveError> {
    let mut images: Vec<Image> = serde_json::from_slice(bytes)
        .map_err(|error| ArchiveError::NotAnArchive(format!("manifest.json: {error}")))?;
    let mut seen = std::collections::HashSet::new();
    images.retain(|image| seen.insert(image.config.clone()));
    at_most(images.len())?;
    let chosen = |image: Image| {
        let config_bytes = documents.text(&image.config, "the image's config")?;
        let layers = image.layers.unwrap_or_default();
        Ok(Chosen {
            format: Format::DockerArchive,
            config: Config::read(config_bytes)?,
            config_bytes: config_bytes.to_vec(),
            layers: layers.iter().map(|name| documents.find(name)).collect(),
        })
    };
    images.into_iter().map(chosen).collect()
}

fn oci_images(documents: &Documents, bytes: &[u8]) -> Result<Vec<Chosen>, ArchiveError> {
    let index: Node = serde_json::from_slice(bytes)
        .map_err(|error| ArchiveError::NotAnArchive(format!("index.json: {error}")))?;
    let mut seen = std::collections::HashSet::new();
    let mut images = Vec::new();
    for manifest in runnable_manifests(documents, index)? {
        if seen.insert(manifest.digest.clone()) {
            images.extend(oci_image(documents, &manifest)?);
        }
    }
    Ok(images)
}

/// Those of the index and of the indexes in it; an image for several platforms lies one level deep.
fn runnable_manifests(documents: &Documents, index: Node) -> Result<Vec<Descriptor>, ArchiveError> {
    let top = index.manifests.unwrap_or_default();
    at_most(top.len())?;
    let mut found = Vec::new();
    for descriptor in top.into_iter().filter(Descriptor::is_runnable) {
        let node: Node = manifest::parse(blob(documents, &descriptor)?, "a manifest")?;
        match node.manifests {
            Some(nested) => found.extend(nested.into_iter().filter(Descriptor::is_runnable)),
            None => found.push(descriptor),
        }
        at_most(found.len())?;
    }
    Ok(found)
}

/// None for what has no config, as an attestation without its platform.
fn oci_image(
    documents: &Documents,
    descriptor: &Descriptor,
) -> Result<Option<Chosen>, ArchiveError> {
    let node: Node = manifest::parse(blob(documents, descriptor)?, "a manifest")?;
    if node.manifests.is_some() {
        return Err(ArchiveError::damaged("an index within an index's index"));
    }
    let Some(config) = node.config else {
        return Ok(None);
    };
    let config_bytes = blob(documents, &config)?;
    let layers = node.layers.unwrap_or_default();
    Ok(Some(Chosen {
        format: Format::OciLayout,
        config: Config::read(config_bytes)?,
        config_bytes: config_bytes.to_vec(),
        layers: layers
            .iter()
            .map(|layer| placed(documents, layer))
            .collect::<Result<_, _>>()?,
    }))
}

/// A document whose bytes are as its descriptor says: the name was held against the content when the
/// file was read.
fn blob<'a>(documents: &'a Documents, of: &Descriptor) -> Result<&'a [u8], ArchiveError> {
    placed(documents, of)?;
    let path = of.path().unwrap_or_default();
    documents.text(&path, "a manifest or config of the index")
}

fn placed(documents: &Documents, of: &Descriptor) -> Result<Option<Place>, ArchiveError> {
    let path = of.path().ok_or_else(|| {
        let shown = crate::collect::printable(of.digest.as_bytes());
        ArchiveError::damaged(format!("{shown} is no SHA-256 digest"))
    })?;
    let place = documents.find(&path);
    match &place {
        // A link's target has another name, which nobody held against its content.
        Some(place) if place.path != path.as_bytes() => {
            Err(ArchiveError::hostile(path.as_bytes(), "is a link"))
        }
        Some(place) if place.size != of.size => Err(ArchiveError::damaged(format!(
            "{path} has {} bytes and its manifest says {}",
            place.size, of.size
        ))),
        _ => Ok(place),
    }
}

fn at_most(count: usize) -> Result<(), ArchiveError> {
    if count > MANIFESTS {
        return Err(ArchiveError::SeveralImages(count));
    }
    Ok(())
}
