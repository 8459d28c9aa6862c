//! Loads an image from its stored layers, and of these only those that the engine lacks.

use std::collections::HashSet;
use std::io::{self, Read, Write};
use std::sync::Arc;

use super::ArchiveError;
use super::load::{append, write_documents};
use super::stream::Hashing;
use crate::engine::{ANSWER, within};
use crate::{Engine, Error};

/// An image whose layers lie somewhere else one by one.
#[derive(Debug, Clone)]
pub struct StoredImage {
    /// `sha256:…` of `config`.
    pub digest: String,
    pub config: Vec<u8>,
    /// Lowest first.
    pub layers: Vec<StoredLayer>,
}

/// A gzipped layer.
#[derive(Debug, Clone)]
pub struct StoredLayer {
    pub diff_id: String,
    pub size_bytes: u64,
    /// Hex, of the gzipped bytes.
    pub sha256: String,
}

/// Gives the bytes of the layer with this index; called on a thread that may block.
pub type OpenLayer = Arc<dyn Fn(usize) -> io::Result<Box<dyn Read + Send>> + Send + Sync>;

impl Engine {
    /// Loads an image that was checked before; returns how many of its lowest layers were there already.
    ///
    /// Docker's graph drivers take an archive that lacks the layers they have. Another engine, or one that
    /// lost a layer meanwhile, refuses that, and is sent all of them.
    pub async fn load_layers(&self, image: StoredImage, open: OpenLayer) -> Result<usize, Error> {
        let image = Arc::new(image);
        let present = self.present_layers(&image).await?;
        match self.send_layers(image.clone(), present, open.clone()).await {
            Err(error @ (Error::Docker(_) | Error::LoadedOther(_))) if present > 0 => {
                tracing::warn!(%error, image = image.digest, "not loaded on top of {present} layers: all are sent");
                self.send_layers(image, 0, open).await?;
                Ok(0)
            }
            sent => sent.map(|()| present),
        }
    }

    async fn send_layers(
        &self,
        image: Arc<StoredImage>,
        present: usize,
        open: OpenLayer,
    ) -> Result<(), Error> {
        let digest = image.digest.clone();
        let layers = image.clone();
        self.send(&digest, move |out| write(&image, present, &open, out))
            .await?;
        self.insist_on_layers(&layers).await
    }

    /// What was left out is taken by what the config says of it; it is not for the config to say more.
    async fn insist_on_layers(&self, image: &StoredImage) -> Result<(), Error> {
        let inspect = self.docker.inspect_image(&image.digest);
        let loaded = within("inspect image", ANSWER, inspect).await?.root_fs;
        let theirs = loaded.and_then(|root| root.layers).unwrap_or_default();
        let ours = image.layers.iter().map(|layer| &layer.diff_id);
        if ours.eq(&theirs) {
            return Ok(());
        }
        self.remove_image(&image.digest).await?;
        Err(Error::LoadedOther(image.digest.clone()))
    }

    /// How many of the image's lowest layers are those of an image that the engine has.
    async fn present_layers(&self, image: &StoredImage) -> Result<usize, Error> {
        let mut longest = 0;
        for digest in self.list_images().await? {
            let inspect = self.docker.inspect_image(&digest);
            // One that was removed since it was listed helps nobody.
            let Ok(other) = within("inspect image", ANSWER, inspect).await else {
                continue;
            };
            let theirs = other.root_fs.and_then(|root| root.layers);
            let pairs = image.layers.iter().zip(theirs.into_iter().flatten());
            let same = pairs.take_while(|(ours, theirs)| ours.diff_id == *theirs);
            longest = longest.max(same.count());
        }
        Ok(longest)
    }
}

fn write(
    image: &StoredImage,
    present: usize,
    open: &OpenLayer,
    out: impl Write,
) -> Result<(), ArchiveError> {
    let mut out = tar::Builder::new(io::BufWriter::with_capacity(1 << 18, out));
    let mut written = HashSet::new();
    for (index, layer) in image.layers.iter().enumerate().skip(present) {
        if written.insert(&layer.diff_id) {
            write_layer(layer, open(index)?, &mut out)?;
        }
    }
    let names = image.layers.iter().map(name).collect();
    write_documents(&mut out, &image.config, names)?;
    out.into_inner()?.flush()?;
    Ok(())
}

fn write_layer(
    layer: &StoredLayer,
    data: impl Read,
    out: &mut tar::Builder<impl Write>,
) -> Result<(), ArchiveError> {
    let mut data = Hashing::new(data.take(layer.size_bytes));
    append(out, &name(layer), layer.size_bytes, &mut data)?;
    let is_whole = data.count == layer.size_bytes;
    let found = data.digest();
    let expected = format!("sha256:{}", layer.sha256);
    if is_whole && found == expected {
        return Ok(());
    }
    Err(ArchiveError::WrongDigest {
        what: format!("stored layer {}", layer.diff_id),
        expected,
        found,
    })
}

fn name(layer: &StoredLayer) -> String {
    format!("layers/{}.tar", layer.diff_id.trim_start_matches("sha256:"))
}
