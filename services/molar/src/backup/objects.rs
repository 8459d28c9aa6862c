//! Every object of every bucket, with its hash: `objects.jsonl`, one a line.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, BufWriter, Write as _};
use std::path::{Component, Path, PathBuf};

use anyhow::{Context as _, bail};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use molar_objects::{Bucket, Error, Store};
use serde::{Deserialize, Serialize};

/// Objects that are on their way at once.
const AT_ONCE: usize = 4;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Object {
    pub bucket: String,
    pub key: String,
    pub size: u64,
    /// Hex, of the content as it was read.
    pub sha256: String,
    pub content_type: Option<String>,
}

impl Object {
    pub fn bucket(&self) -> anyhow::Result<Bucket> {
        let known = Bucket::ALL
            .into_iter()
            .find(|bucket| bucket.as_str() == self.bucket);
        known.with_context(|| format!("there is no bucket `{}`", self.bucket))
    }

    pub fn name(&self) -> String {
        format!("{}/{}", self.bucket, self.key)
    }
}

#[derive(Debug, Default)]
pub struct Counted {
    pub objects: u64,
    pub bytes: u64,
    /// Listed, and deleted before they were read.
    pub gone: u64,
}

fn manifest(folder: &Path) -> PathBuf {
    folder.join("objects.jsonl")
}

/// Where an object's content lies in a backup. A key that would lead out of it is none of ours.
pub fn content(folder: &Path, bucket: Bucket, key: &str) -> anyhow::Result<PathBuf> {
    let path = Path::new(key);
    let is_plain = path
        .components()
        .all(|part| matches!(part, Component::Normal(_)));
    if key.is_empty() || !is_plain || key.ends_with('/') {
        bail!("the object `{bucket}/{key}` has a key that is no file's name");
    }
    // An object may be called as the folder of others.
    Ok(folder
        .join("objects")
        .join(bucket.as_str())
        .join(format!("{key}.object")))
}

pub async fn save(store: &Store, folder: &Path, with_content: bool) -> anyhow::Result<Counted> {
    let mut lines = BufWriter::new(std::fs::File::create_new(manifest(folder))?);
    let mut counted = Counted::default();
    for bucket in Bucket::ALL {
        let listed = store.list(bucket, "").await;
        let listed = listed.with_context(|| format!("the bucket {bucket} could not be listed"))?;
        let mut saved =
            stream::iter(listed)
                .map(|entry| async move {
                    save_one(store, folder, bucket, entry.key, with_content).await
                })
                .buffered(AT_ONCE);
        while let Some(object) = saved.try_next().await? {
            let Some(object) = object else {
                counted.gone += 1;
                continue;
            };
            counted.objects += 1;
            counted.bytes += object.size;
            serde_json::to_writer(&mut lines, &object)?;
            lines.write_all(b"\n")?;
        }
    }
    lines.into_inner()?.sync_all()?;
    Ok(counted)
}

/// Which of these keys the bucket does not have.
pub async fn missing(
    store: &Store,
    bucket: Bucket,
    keys: &BTreeSet<String>,
) -> anyhow::Result<Vec<String>> {
    let listed = store.list(bucket, "").await;
    let listed = listed.with_context(|| format!("the bucket {bucket} could not be listed"))?;
    let there: BTreeSet<_> = listed.into_iter().map(|entry| entry.key).collect();
    Ok(keys.difference(&there).cloned().collect())
}

async fn save_one(
    store: &Store,
    folder: &Path,
    bucket: Bucket,
    key: String,
    with_content: bool,
) -> anyhow::Result<Option<Object>> {
    let read = async {
        let content_type = store.head(bucket, &key).await?.content_type;
        let digest = if with_content {
            let to = content(folder, bucket, &key).map_err(|error| Error::Other(error.into()))?;
            if let Some(parent) = to.parent() {
                let made = tokio::fs::create_dir_all(parent).await;
                made.map_err(|error| Error::Other(error.into()))?;
            }
            store.fetch(bucket, &key, &to).await?
        } else {
            store.digest(bucket, &key).await?
        };
        Ok((digest, content_type))
    };
    match read.await {
        Ok((digest, content_type)) => Ok(Some(Object {
            bucket: bucket.as_str().to_owned(),
            size: digest.size,
            sha256: hex::encode(digest.sha256),
            content_type,
            key,
        })),
        Err(Error::NotFound) => Ok(None),
        Err(error) => Err(error).with_context(|| format!("{bucket}/{key}")),
    }
}

/// The lines of a backup.
pub fn read(folder: &Path) -> anyhow::Result<impl Iterator<Item = anyhow::Result<Object>>> {
    let file = manifest(folder);
    let lines =
        BufReader::new(std::fs::File::open(&file).with_context(|| file.display().to_string())?);
    Ok(lines.lines().map(move |line| {
        serde_json::from_str(&line?).with_context(|| format!("a line of {}", file.display()))
    }))
}

/// Puts every object of the backup, and insists on its hash.
pub async fn put_all(store: &Store, folder: &Path) -> anyhow::Result<()> {
    let all = stream::iter(read(folder)?);
    all.map(|object| async move { put_one(store, folder, &object?).await })
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await
}

async fn put_one(store: &Store, folder: &Path, object: &Object) -> anyhow::Result<()> {
    let bucket = object.bucket()?;
    let from = content(folder, bucket, &object.key)?;
    let content_type = object
        .content_type
        .as_deref()
        .unwrap_or("application/octet-stream");
    let put = store
        .put_file(bucket, &object.key, content_type, &from)
        .await
        .with_context(|| object.name())?;
    if put.size != object.size || hex::encode(put.sha256) != object.sha256 {
        bail!(
            "{} is not what it was when the backup was taken: its file was changed",
            object.name()
        );
    }
    Ok(())
}
