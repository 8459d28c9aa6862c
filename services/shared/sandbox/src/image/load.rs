//! Loads an archive into the engine under its digest and under no name.
//!
//! What goes to the engine is not the archive but what we read in it, written anew: so the engine
//! cannot understand it otherwise than the check did. Whatever the archive's format, the engine gets the
//! layers, the config and a `manifest.json` of ours without tags; the documents of the archive, which
//! hold tags, stay behind.

use std::io::{self, Read, Write};
use std::time::Duration;

use bollard::query_parameters::{ImportImageOptions, ListImagesOptions, RemoveImageOptions};
use bytes::Bytes;
use futures_util::StreamExt;
use tokio::sync::mpsc;

use super::choose::choose;
use super::documents::Documents;
use super::inspect::is_fixed_document;
use super::manifest::Image;
use super::stream::{Look, look, unpack};
use super::tarball::{Entry, Kind, Reader};
use super::{ArchiveError, Limits};
use crate::engine::{ACT, ANSWER, is_not_found, is_status, within};
use crate::{Engine, Error};

/// A 60 GB image from a slow disk. The engine answers only when all is unpacked.
const LOAD: Duration = Duration::from_secs(3600);
const CONFIG: &str = "config.json";

impl Engine {
    /// Loads the one image `digest` (`sha256:…`, as [`super::inspect_archive`] gave it). Whoever
    /// loads an archive has checked it.
    pub async fn load(
        &self,
        archive: impl Read + Send + 'static,
        digest: &str,
    ) -> Result<(), Error> {
        let expected = digest.to_owned();
        self.send(digest, move |out| rewrite(archive, out, &expected))
            .await
    }

    /// Streams what `write` writes to the engine, which must have the image `digest` after it.
    pub(super) async fn send(
        &self,
        digest: &str,
        write: impl FnOnce(ToEngine) -> Result<(), ArchiveError> + Send + 'static,
    ) -> Result<(), Error> {
        let (sender, receiver) = mpsc::channel(4);
        let writer = tokio::task::spawn_blocking(move || {
            let result = write(ToEngine(sender.clone()));
            if let Err(error) = &result {
                // Without this the engine would take the torn stream for the end of the archive.
                drop(sender.blocking_send(Err(io::Error::other(error.to_string()))));
            }
            result
        });
        let sent = tokio::time::timeout(LOAD, self.send_archive(receiver)).await;
        // The writer ends by itself: the channel is gone or the archive read.
        let written = writer.await.map_err(io::Error::other)?;
        match (sent, written) {
            (Err(_), _) => Err(Error::Deadline("load")),
            (Ok(sent), Err(ArchiveError::Io(error)))
                if error.kind() == io::ErrorKind::BrokenPipe =>
            {
                sent.and(Err(Error::Io(error)))
            }
            (Ok(_), Err(error)) => Err(error.into()),
            (Ok(Err(error)), Ok(())) => Err(error),
            (Ok(Ok(())), Ok(())) => match self.has_image(digest).await? {
                true => Ok(()),
                false => Err(Error::LoadedOther(digest.to_owned())),
            },
        }
    }

    async fn send_archive(&self, receiver: mpsc::Receiver<io::Result<Bytes>>) -> Result<(), Error> {
        let body = futures_util::stream::unfold(receiver, async |mut receiver| {
            receiver.recv().await.map(|chunk| (chunk, receiver))
        });
        let docker = self.docker.clone().with_timeout(LOAD);
        let mut progress = Box::pin(docker.import_image_stream(
            ImportImageOptions {
                quiet: true,
                platform: None,
            },
            body,
            None,
        ));
        while let Some(step) = progress.next().await {
            step?;
        }
        Ok(())
    }

    /// Whether the engine has the image with this config digest.
    pub async fn has_image(&self, digest: &str) -> Result<bool, Error> {
        match within("inspect image", ANSWER, self.docker.inspect_image(digest)).await {
            Ok(image) => Ok(image.id.as_deref() == Some(digest)),
            Err(error) if is_not_found(&error) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// What an image takes unpacked, with the layers that it shares.
    pub async fn image_bytes(&self, digest: &str) -> Result<u64, Error> {
        let image = within("inspect image", ANSWER, self.docker.inspect_image(digest)).await?;
        Ok(image
            .size
            .and_then(|size| u64::try_from(size).ok())
            .unwrap_or(0))
    }

    /// Digests of all images that the engine has.
    pub async fn list_images(&self) -> Result<Vec<String>, Error> {
        let images = within(
            "list images",
            ACT,
            self.docker.list_images(None::<ListImagesOptions>),
        )
        .await?;
        Ok(images.into_iter().map(|image| image.id).collect())
    }

    /// Removes an image; false if a container still uses it. One that is not there is removed.
    pub async fn remove_image(&self, digest: &str) -> Result<bool, Error> {
        let removal = self
            .docker
            .remove_image(digest, None::<RemoveImageOptions>, None);
        match within("remove image", ACT, removal).await {
            Ok(_) => Ok(true),
            Err(error) if is_not_found(&error) => Ok(true),
            Err(error) if is_status(&error, 409) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

fn rewrite(archive: impl Read, out: impl Write, digest: &str) -> Result<(), ArchiveError> {
    let mut documents = Documents::new(Limits::default().json_bytes);
    let mut source = Reader::new(unpack(archive)?);
    let out = io::BufWriter::with_capacity(1 << 18, out);
    let mut out = tar::Builder::new(out);
    while let Some(entry) = source.next()? {
        documents.add_name(&entry)?;
        if entry.kind == Kind::File {
            sort(&entry, &mut source, &mut documents, &mut out)?;
        }
    }
    finish(&documents, &mut out, digest)?;
    out.into_inner()?.flush()?;
    Ok(())
}

/// Documents stay here, what may be a layer goes on.
fn sort<R: Read>(
    entry: &Entry,
    source: &mut Reader<R>,
    documents: &mut Documents,
    out: &mut tar::Builder<impl Write>,
) -> Result<(), ArchiveError> {
    let (head, looks) = look(source)?;
    let mut whole = io::Cursor::new(head).chain(source);
    if is_fixed_document(&entry.path) || looks == Look::Other {
        return documents.add_text(entry, &mut whole);
    }
    append(out, &name(&entry.path)?, entry.size, whole)
}

/// The config and a manifest that names it and the layers: the engine reads them last.
fn finish(
    documents: &Documents,
    out: &mut tar::Builder<impl Write>,
    digest: &str,
) -> Result<(), ArchiveError> {
    let chosen = choose(documents)?;
    if chosen.digest() != digest {
        return Err(ArchiveError::WrongDigest {
            what: "config".into(),
            expected: digest.to_owned(),
            found: chosen.digest(),
        });
    }
    let mut layers = Vec::new();
    for place in &chosen.layers {
        let place = (place.as_ref()).ok_or_else(|| ArchiveError::damaged("a layer is missing"))?;
        layers.push(name(&place.path)?);
    }
    write_documents(out, &chosen.config_bytes, layers)
}

pub(super) fn write_documents(
    out: &mut tar::Builder<impl Write>,
    config: &[u8],
    layers: Vec<String>,
) -> Result<(), ArchiveError> {
    let image = Image {
        config: CONFIG.to_owned(),
        layers: Some(layers),
    };
    let manifest = serde_json::to_vec(&[image]).map_err(|error| ArchiveError::Io(error.into()))?;
    append(out, CONFIG, config.len() as u64, config)?;
    append(out, "manifest.json", manifest.len() as u64, &manifest[..])
}

pub(super) fn append(
    out: &mut tar::Builder<impl Write>,
    path: &str,
    size: u64,
    data: impl Read,
) -> Result<(), ArchiveError> {
    let mut header = tar::Header::new_gnu();
    header.set_mode(0o644);
    header.set_size(size);
    Ok(out.append_data(&mut header, path, data)?)
}

/// In a folder of their own, so that none takes the place of our documents.
fn name(path: &[u8]) -> Result<String, ArchiveError> {
    match std::str::from_utf8(path) {
        Ok(path) => Ok(format!("layers/{path}")),
        Err(_) => Err(ArchiveError::hostile(path, "has no readable name")),
    }
}

pub(super) struct ToEngine(mpsc::Sender<io::Result<Bytes>>);

impl Write for ToEngine {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0
            .blocking_send(Ok(Bytes::copy_from_slice(bytes)))
            .map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
