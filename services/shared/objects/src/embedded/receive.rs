//! What is sent to be stored, and whether it is what was declared.

use std::io;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use futures_util::StreamExt;
use s3s::checksum::ChecksumHasher;
use s3s::crypto::{Checksum as _, Md5};
use s3s::dto::{Checksum, StreamingBlob};
use s3s::{S3Error, S3ErrorCode, S3Result, TrailingHeaders, s3_error};
use tokio::io::AsyncWriteExt;

use super::disk::{Disk, Draft};
use super::failure::internal;

/// Read or written at a time.
pub const CHUNK: usize = 256 * 1024;

impl Disk {
    /// Writes a body to a draft. Returns it with its etag, and the SHA-256 if one was declared; fails if the content is
    /// not what was declared. The etag is the MD5 in hexadecimal, or, since that says nothing more and is three times as
    /// dear, as many digits of a SHA-256 that was declared.
    pub async fn receive(
        &self,
        mut body: StreamingBlob,
        mut declared: Checksum,
        algorithm: Option<String>,
        trailers: Option<TrailingHeaders>,
    ) -> S3Result<(Draft, String, Option<String>)> {
        let draft = self.draft().map_err(internal)?;
        let file = draft.file.try_clone().map_err(internal)?;
        let mut file = tokio::io::BufWriter::with_capacity(CHUNK, tokio::fs::File::from_std(file));
        let mut hasher = hasher(&declared, algorithm.as_deref());
        let mut md5 = hasher.sha256.is_none().then(Md5::new);
        while let Some(chunk) = body.next().await {
            let chunk =
                chunk.map_err(|error| S3Error::with_source(S3ErrorCode::IncompleteBody, error))?;
            hasher.update(&chunk);
            if let Some(md5) = &mut md5 {
                md5.update(&chunk);
            }
            file.write_all(&chunk).await.map_err(internal)?;
        }
        file.flush().await.map_err(internal)?;
        if let Some(trailers) = trailers.and_then(|trailers| trailers.take()) {
            add_trailers(&mut declared, &trailers);
        }
        let found = hasher.finalize();
        require_same(&declared, &found)?;
        let etag = match md5 {
            Some(md5) => hex::encode(md5.finalize()),
            None => etag_of(found.checksum_sha256.as_deref().unwrap_or_default())?,
        };
        Ok((draft, etag, found.checksum_sha256))
    }
}

/// As long as an MD5, of a SHA-256 in base64.
fn etag_of(sha256: &str) -> S3Result<String> {
    let digest = BASE64_STANDARD
        .decode(sha256)
        .map_err(|error| internal(io::Error::other(error)))?;
    Ok(hex::encode(&digest[..digest.len().min(16)]))
}

fn hasher(declared: &Checksum, algorithm: Option<&str>) -> ChecksumHasher {
    let wanted = |header: &Option<String>, name| header.is_some() || algorithm == Some(name);
    ChecksumHasher {
        crc32: wanted(&declared.checksum_crc32, "CRC32").then(Default::default),
        crc32c: wanted(&declared.checksum_crc32c, "CRC32C").then(Default::default),
        sha1: wanted(&declared.checksum_sha1, "SHA1").then(Default::default),
        sha256: wanted(&declared.checksum_sha256, "SHA256").then(Default::default),
        crc64nvme: wanted(&declared.checksum_crc64nvme, "CRC64NVME").then(Default::default),
    }
}

fn add_trailers(declared: &mut Checksum, trailers: &hyper::HeaderMap) {
    let take = |name: &str, to: &mut Option<String>| {
        if let Some(value) = trailers.get(name).and_then(|value| value.to_str().ok()) {
            *to = Some(value.to_owned());
        }
    };
    take("x-amz-checksum-sha256", &mut declared.checksum_sha256);
    take("x-amz-checksum-sha1", &mut declared.checksum_sha1);
    take("x-amz-checksum-crc32", &mut declared.checksum_crc32);
    take("x-amz-checksum-crc32c", &mut declared.checksum_crc32c);
    take("x-amz-checksum-crc64nvme", &mut declared.checksum_crc64nvme);
}

fn require_same(declared: &Checksum, found: &Checksum) -> S3Result<()> {
    let pairs = [
        (&declared.checksum_sha256, &found.checksum_sha256),
        (&declared.checksum_sha1, &found.checksum_sha1),
        (&declared.checksum_crc32, &found.checksum_crc32),
        (&declared.checksum_crc32c, &found.checksum_crc32c),
        (&declared.checksum_crc64nvme, &found.checksum_crc64nvme),
    ];
    if pairs
        .iter()
        .any(|(declared, found)| declared.is_some() && declared != found)
    {
        return Err(s3_error!(
            BadDigest,
            "the content does not have the checksum that was declared"
        ));
    }
    Ok(())
}
