//! Files from pre-signed URLs.

use std::io::Read;
use std::path::Path;

use futures_util::{StreamExt as _, TryStreamExt as _};
use molar_domain::worker_api::Input;
use sha2::{Digest as _, Sha256};
use tokio::io::AsyncWriteExt as _;
use tokio_util::io::{StreamReader, SyncIoBridge};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("could not fetch: {0}")]
    Http(String),

    #[error("what was fetched is not what was announced")]
    Mismatch,

    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// The body of a file, once the store has begun to send it.
pub async fn open(http: &reqwest::Client, input: &Input) -> Result<reqwest::Response, Error> {
    let response = http
        .get(&input.url)
        .send()
        .await
        .map_err(|error| Error::Http(error.without_url().to_string()))?;
    if !response.status().is_success() {
        return Err(Error::Http(format!(
            "the object store answered {}",
            response.status()
        )));
    }
    Ok(response)
}

/// For readers that block; to be read on a thread that may.
pub fn reader(response: reqwest::Response) -> impl Read + Send + 'static {
    let stream = response
        .bytes_stream()
        .map_err(|error| std::io::Error::other(error.without_url()));
    SyncIoBridge::new(StreamReader::new(Box::pin(stream)))
}

/// A small file whose size and SHA-256 are as announced.
pub async fn to_memory(
    http: &reqwest::Client,
    input: &Input,
    most_bytes: u64,
) -> Result<Vec<u8>, Error> {
    if input.size_bytes > most_bytes {
        return Err(Error::Mismatch);
    }
    let mut bytes = Vec::new();
    let mut body = open(http, input).await?.bytes_stream();
    while let Some(chunk) = body.next().await {
        bytes.extend(chunk.map_err(|error| Error::Http(error.without_url().to_string()))?);
        if bytes.len() as u64 > input.size_bytes {
            return Err(Error::Mismatch);
        }
    }
    match hex::encode(Sha256::digest(&bytes)) == input.sha256 {
        true => Ok(bytes),
        false => Err(Error::Mismatch),
    }
}

/// Writes a file whose size and SHA-256 are as announced; readable by whatever user an image has.
pub async fn to_file(http: &reqwest::Client, input: &Input, path: &Path) -> Result<(), Error> {
    let mut file = tokio::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o444)
        .open(path)
        .await?;
    let mut hash = Sha256::new();
    let mut size = 0;
    let mut body = open(http, input).await?.bytes_stream();
    while let Some(chunk) = body.next().await {
        let chunk = chunk.map_err(|error| Error::Http(error.without_url().to_string()))?;
        size += chunk.len() as u64;
        if size > input.size_bytes {
            return Err(Error::Mismatch);
        }
        hash.update(&chunk);
        file.write_all(&chunk).await?;
    }
    file.flush().await?;
    if size != input.size_bytes || hex::encode(hash.finalize()) != input.sha256 {
        return Err(Error::Mismatch);
    }
    Ok(())
}
