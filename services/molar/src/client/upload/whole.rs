//! Whole objects at pre-signed URLs, with the headers that were signed.

use std::path::Path;

use anyhow::{Context as _, bail, ensure};
use futures_util::TryStreamExt as _;
use indicatif::ProgressBar;
use reqwest::header::{CONTENT_LENGTH, HeaderMap, HeaderName};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tokio::io::AsyncReadExt as _;
use tokio_util::io::ReaderStream;

use crate::client::api::Api;

/// Size and SHA-256 (hex) of a file.
pub struct Fingerprint {
    pub size_bytes: u64,
    pub sha256: String,
}

pub fn fingerprint_of(bytes: &[u8]) -> Fingerprint {
    Fingerprint {
        size_bytes: bytes.len() as u64,
        sha256: hex::encode(Sha256::digest(bytes)),
    }
}

pub async fn fingerprint(path: &Path, bar: &ProgressBar) -> anyhow::Result<Fingerprint> {
    let mut file = tokio::fs::File::open(path)
        .await
        .with_context(|| format!("cannot read {}", path.display()))?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    let mut size_bytes = 0;
    loop {
        let read = file.read(&mut buffer).await?;
        if read == 0 {
            break;
        }
        hash.update(&buffer[..read]);
        size_bytes += read as u64;
        bar.inc(read as u64);
    }
    Ok(Fingerprint {
        size_bytes,
        sha256: hex::encode(hash.finalize()),
    })
}

pub async fn put_object(api: &Api, presigned: &Value, body: Vec<u8>) -> anyhow::Result<()> {
    put(api, presigned, HeaderMap::new(), body.into()).await
}

/// The same for a file of any size, which is never in memory.
pub async fn put_file(
    api: &Api,
    presigned: &Value,
    path: &Path,
    size_bytes: u64,
    bar: &ProgressBar,
) -> anyhow::Result<()> {
    let file = tokio::fs::File::open(path).await?;
    let length = file.metadata().await?.len();
    ensure!(
        length == size_bytes,
        "{} was changed while it was sent",
        path.display()
    );
    let counted = bar.clone();
    let bytes = ReaderStream::with_capacity(file, 1 << 18);
    let bytes = bytes.inspect_ok(move |bytes| counted.inc(bytes.len() as u64));
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_LENGTH, size_bytes.into());
    put(api, presigned, headers, reqwest::Body::wrap_stream(bytes)).await
}

async fn put(
    api: &Api,
    presigned: &Value,
    mut headers: HeaderMap,
    body: reqwest::Body,
) -> anyhow::Result<()> {
    let url = presigned["url"].as_str().context("no URL to put to")?;
    for (name, value) in presigned["headers"].as_object().into_iter().flatten() {
        let name: HeaderName = name.parse()?;
        headers.insert(name, value.as_str().unwrap_or_default().parse()?);
    }
    let response = api
        .http()
        .put(url)
        .headers(headers)
        .body(body)
        .send()
        .await?;
    let status = response.status();
    if !status.is_success() {
        let said = response.text().await.unwrap_or_default();
        bail!("the object store answered {status}: {said}");
    }
    Ok(())
}
