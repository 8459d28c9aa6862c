//! Getting a file into the object store: hashing, parts, pre-signed URLs.

use std::path::Path;

use anyhow::{Context as _, bail};
use futures_util::{StreamExt as _, TryStreamExt as _};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};

use super::api::Api;

/// Parts under way at a time.
const PARALLEL: usize = 4;
/// Tries of one part before the upload is given up; it can be resumed.
const TRIES: u32 = 5;

/// Size and SHA-256 (hex) of a file.
pub struct Fingerprint {
    pub size_bytes: u64,
    pub sha256: String,
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

#[derive(Debug, Clone, Deserialize)]
pub struct Part {
    pub number: u32,
    pub url: String,
    pub size_bytes: u64,
}

/// Puts every part and tells the server that the file is complete. Returns its answer.
pub async fn upload(
    api: &Api,
    submission_id: &str,
    path: &Path,
    part_size_bytes: u64,
    parts: Vec<Part>,
    bar: &ProgressBar,
) -> anyhow::Result<Value> {
    let mut done: Vec<(u32, String)> = futures_util::stream::iter(parts)
        .map(|part| put_part(api, submission_id, path, part_size_bytes, part, bar))
        .buffer_unordered(PARALLEL)
        .try_collect()
        .await?;
    done.sort_unstable();
    let parts: Vec<_> = done
        .iter()
        .map(|(number, etag)| json!({"number": number, "etag": etag}))
        .collect();
    api.post(
        &format!("/api/v1/submissions/{submission_id}/complete"),
        &json!({ "parts": parts }),
    )
    .await
}

async fn put_part(
    api: &Api,
    submission_id: &str,
    path: &Path,
    part_size_bytes: u64,
    mut part: Part,
    bar: &ProgressBar,
) -> anyhow::Result<(u32, String)> {
    let mut attempt = 0;
    loop {
        attempt += 1;
        match try_part(api, path, part_size_bytes, &part).await {
            Ok(etag) => {
                bar.inc(part.size_bytes);
                return Ok((part.number, etag));
            }
            Err(error) if attempt == TRIES => {
                return Err(error)
                    .with_context(|| format!("part {} could not be sent", part.number));
            }
            Err(_) => {
                tokio::time::sleep(std::time::Duration::from_secs(1 << attempt.min(4))).await;
                // The URL may have run out on a slow line: ask for a new one.
                let number = part.number;
                let again: Value = api
                    .find(&format!(
                        "/api/v1/submissions/{submission_id}/upload?from={number}"
                    ))
                    .await?;
                if let Some(fresh) = again["parts"]
                    .as_array()
                    .and_then(|parts| parts.iter().find(|p| p["number"] == number))
                {
                    part = serde_json::from_value(fresh.clone())?;
                }
            }
        }
    }
}

async fn try_part(
    api: &Api,
    path: &Path,
    part_size_bytes: u64,
    part: &Part,
) -> anyhow::Result<String> {
    let mut file = tokio::fs::File::open(path).await?;
    file.seek(std::io::SeekFrom::Start(
        u64::from(part.number - 1) * part_size_bytes,
    ))
    .await?;
    let mut body = Vec::with_capacity(usize::try_from(part.size_bytes)?);
    file.take(part.size_bytes).read_to_end(&mut body).await?;
    let response = api.http().put(&part.url).body(body).send().await?;
    if !response.status().is_success() {
        bail!("the object store answered {}", response.status());
    }
    let etag = response
        .headers()
        .get("etag")
        .context("the object store sent no ETag")?;
    Ok(etag.to_str()?.to_owned())
}

/// A bar of bytes on stderr; nothing is drawn where that is no terminal.
pub fn bytes_bar(size_bytes: u64, message: &str, is_quiet: bool) -> ProgressBar {
    if is_quiet {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template(
        "{msg:12} {bar:40} {bytes:>10}/{total_bytes} {bytes_per_sec} {eta}",
    )
    .unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(size_bytes)
        .with_style(style)
        .with_message(message.to_owned())
}
