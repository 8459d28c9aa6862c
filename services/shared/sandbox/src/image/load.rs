//! Loads an archive into the engine under its digest and under no name.
//!
//! What goes to the engine is not the archive but what we read in it, written anew: so the engine
//! cannot understand it otherwise than the check did. Of the documents only `manifest.json` goes on,
//! without tags; `repositories` and `index.json`, which hold tags too, stay behind.

use std::io::{self, Read, Write};
use std::time::Duration;

use bollard::query_parameters::{ImportImageOptions, ListImagesOptions, RemoveImageOptions};
use bytes::Bytes;
use futures_util::StreamExt;
use tokio::sync::mpsc;

use super::inspect::unpack;
use super::manifest::{self, Image, MANIFEST, Names};
use super::tarball::{Entry, Kind, Reader};
use super::{ArchiveError, Limits};
use crate::engine::{ACT, ANSWER, is_not_found, is_status, within};
use crate::{Engine, Error};

/// A 60 GB image from a slow disk. The engine answers only when all is unpacked.
const LOAD: Duration = Duration::from_secs(3600);

impl Engine {
    /// Loads the one image `digest` (`sha256:…`, as [`super::inspect_archive`] gave it). Whoever
    /// loads an archive has checked it.
    pub async fn load(
        &self,
        archive: impl Read + Send + 'static,
        digest: &str,
    ) -> Result<(), Error> {
        let (sender, receiver) = mpsc::channel(4);
        let expected = digest.to_owned();
        let writer = tokio::task::spawn_blocking(move || {
            let result = rewrite(archive, ToEngine(sender.clone()), &expected);
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
    let mut names = Names::default();
    let mut source = Reader::new(unpack(archive)?);
    let out = io::BufWriter::with_capacity(1 << 18, out);
    let mut out = tar::Builder::new(out);
    while let Some(entry) = source.next()? {
        names.add(&entry.path, &entry.kind)?;
        copy(&entry, &mut source, &mut out, digest)?;
    }
    out.into_inner()?.flush()?;
    Ok(())
}

fn copy<R: Read>(
    entry: &Entry,
    source: &mut Reader<R>,
    out: &mut tar::Builder<impl Write>,
    digest: &str,
) -> Result<(), ArchiveError> {
    let path = std::str::from_utf8(&entry.path)
        .map_err(|_| ArchiveError::hostile(&entry.path, "has no readable name"))?;
    let mut header = tar::Header::new_gnu();
    header.set_mode(0o644);
    match &entry.kind {
        Kind::File if entry.path == MANIFEST => {
            let bytes = untagged(source, entry.size, digest)?;
            header.set_size(bytes.len() as u64);
            out.append_data(&mut header, path, bytes.as_slice())?;
        }
        Kind::File if matches!(path, "repositories" | "index.json" | "oci-layout") => {}
        Kind::File => {
            header.set_size(entry.size);
            out.append_data(&mut header, path, source)?;
        }
        Kind::Symlink(target) => {
            let target = std::str::from_utf8(target)
                .map_err(|_| ArchiveError::hostile(&entry.path, "has no readable target"))?;
            header.set_entry_type(tar::EntryType::Symlink);
            header.set_size(0);
            out.append_link(&mut header, path, target)?;
        }
        // The engine makes folders for the files in them; `Names` refused the rest.
        Kind::Folder | Kind::HardLink(_) | Kind::Special => {}
    }
    Ok(())
}

fn untagged(source: impl Read, size: u64, digest: &str) -> Result<Vec<u8>, ArchiveError> {
    let limit = Limits::default().json_bytes;
    if size > limit {
        let limit = format!("the {limit} bytes");
        return Err(ArchiveError::TooLarge {
            what: "manifest.json",
            limit,
        });
    }
    let mut bytes = Vec::new();
    source.take(limit).read_to_end(&mut bytes)?;
    let image = the_one(manifest::parse(&bytes)?, digest)?;
    serde_json::to_vec(&[image]).map_err(|error| ArchiveError::Io(error.into()))
}

/// Savers name the config by its digest, so it can be told from an attestation's beside it.
fn the_one(mut images: Vec<Image>, digest: &str) -> Result<Image, ArchiveError> {
    let hash = digest.trim_start_matches("sha256:");
    if images.len() > 1 {
        images.retain(|image| image.config.contains(hash));
    }
    match images.len() {
        1 => Ok(images.remove(0)),
        0 => Err(ArchiveError::NotAnArchive(
            "its manifest.json names no image".into(),
        )),
        several => Err(ArchiveError::SeveralImages(several)),
    }
}

struct ToEngine(mpsc::Sender<io::Result<Bytes>>);

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
