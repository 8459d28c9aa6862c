//! One file, brought or found to be there.

use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use indicatif::ProgressBar;
use sha2::{Digest as _, Sha256};
use tokio::io::AsyncWriteExt as _;

use super::list::{Listed, Listing};
use super::manifest::Row;
use crate::client::upload::fingerprint;

/// Waits between tries, each with a link of its own.
const PAUSES_S: [u64; 5] = [1, 2, 4, 8, 15];

/// Downloads the files of a list into a folder.
pub struct Downloader<'a> {
    pub listing: Listing<'a>,
    pub to: &'a Path,
    pub bar: &'a ProgressBar,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fetched {
    Now,
    Before,
}

impl Downloader<'_> {
    /// The file at its place, or nothing where it went meanwhile; `cursor` is that of its page.
    pub async fn download(
        &self,
        mut file: Listed,
        cursor: Option<&str>,
    ) -> anyhow::Result<Option<(Row, Fetched)>> {
        let to = place(self.to, &file.path)?;
        if let Some(sha256) = present(&to, &file).await? {
            self.bar.inc(file.size_bytes);
            return Ok(Some((file.row(sha256), Fetched::Before)));
        }
        let mut pauses = PAUSES_S.into_iter();
        loop {
            let error = match self.fetch(&file, &to).await {
                Ok(sha256) => return Ok(Some((file.row(sha256), Fetched::Now))),
                Err(error) => error,
            };
            let Some(pause) = pauses.next() else {
                return Err(error).with_context(|| format!("{} did not arrive", file.path));
            };
            tokio::time::sleep(Duration::from_secs(pause)).await;
            // The link may have run out while others came before it.
            file = match self.listing.again(cursor, &file.id).await? {
                Some(signed) => signed,
                None => {
                    let say = || eprintln!("{} is not there any more", file.path);
                    self.bar.suspend(say);
                    return Ok(None);
                }
            };
        }
    }

    async fn fetch(&self, file: &Listed, to: &Path) -> anyhow::Result<String> {
        let answer = self.listing.api.http().get(&file.url).send().await?;
        let status = answer.status();
        ensure!(status.is_success(), "the object store answered {status}");
        let (bytes, sha256) = write(answer.bytes_stream(), to, self.bar).await?;
        let is_it = bytes == file.size_bytes && file.sha256.as_ref().is_none_or(|it| *it == sha256);
        if !is_it {
            std::fs::remove_file(to)?;
            bail!("what arrived is not the file that was announced");
        }
        Ok(sha256)
    }
}

/// Below the folder, whatever the server says.
fn place(folder: &Path, path: &str) -> anyhow::Result<PathBuf> {
    let is_plain = |part| matches!(part, Component::Normal(_));
    ensure!(
        !path.is_empty() && Path::new(path).components().all(is_plain),
        "the server names a file `{path}`, which is no place in a folder"
    );
    Ok(folder.join(path))
}

/// The hash of the file that is there already, if it is the right one.
async fn present(to: &Path, file: &Listed) -> anyhow::Result<Option<String>> {
    match tokio::fs::metadata(to).await {
        Ok(found) if found.is_file() && found.len() == file.size_bytes => {}
        _ => return Ok(None),
    }
    let sha256 = fingerprint(to, &ProgressBar::hidden()).await?.sha256;
    let is_it = file.sha256.as_ref().is_none_or(|it| *it == sha256);
    Ok(is_it.then_some(sha256))
}

/// Writes beside the place and moves it there once it is whole. Returns size and SHA-256.
pub async fn write(
    mut pieces: impl Stream<Item = reqwest::Result<Bytes>> + Unpin,
    to: &Path,
    bar: &ProgressBar,
) -> anyhow::Result<(u64, String)> {
    let mut name = to.as_os_str().to_owned();
    name.push(".part");
    let part = PathBuf::from(name);
    if let Some(folder) = to.parent() {
        tokio::fs::create_dir_all(folder).await?;
    }
    let (mut bytes, mut hash) = (0, Sha256::new());
    let mut file = tokio::fs::File::create(&part)
        .await
        .with_context(|| format!("{} cannot be written", part.display()))?;
    while let Some(piece) = pieces.next().await {
        let piece = piece?;
        hash.update(&piece);
        bytes += piece.len() as u64;
        bar.inc(piece.len() as u64);
        file.write_all(&piece).await?;
    }
    file.flush().await?;
    tokio::fs::rename(&part, to).await?;
    Ok((bytes, hex::encode(hash.finalize())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_outside_the_folder_is_refused() {
        let folder = Path::new("export");
        let place = |path| place(folder, path).ok();
        assert_eq!(
            place("runs/a/1/Case.json.gz"),
            Some(folder.join("runs/a/1/Case.json.gz"))
        );
        for path in ["", "../x", "/etc/passwd", "runs/../../x", "./x"] {
            assert_eq!(place(path), None, "{path}");
        }
    }

    #[tokio::test]
    async fn only_the_right_bytes_are_taken_for_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().join("a.zip");
        std::fs::write(&at, "bytes").unwrap();
        let listed = |size_bytes, sha256: Option<&str>| Listed {
            path: "a.zip".to_owned(),
            size_bytes,
            sha256: sha256.map(str::to_owned),
            ..Listed::default()
        };
        let right = hex::encode(Sha256::digest("bytes"));
        let is_there = async |size, sha256| {
            let listed = listed(size, sha256);
            present(&at, &listed).await.unwrap().is_some()
        };
        assert!(is_there(5, Some(&right)).await);
        assert!(is_there(5, None).await);
        assert!(!is_there(4, None).await);
        assert!(!is_there(5, Some("another")).await);
    }
}
