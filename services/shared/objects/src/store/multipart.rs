use std::path::Path;

use aws_sdk_s3::primitives::{ByteStream, Length};
use aws_sdk_s3::types::{ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart};
use base64::Engine as _;
use sha2::{Digest as _, Sha256};
use tokio::io::AsyncReadExt;

use super::{BASE64, Bucket, CHUNK, Digest, Error, Result, Store, sha256_from_base64, size};

/// S3 allows no more parts than this to one object …
const MAX_PARTS: u64 = 10_000;
/// … and no part smaller than 5 MiB except the last; larger ones keep their number low.
const PART_SIZE: u64 = 64 * 1024 * 1024;

/// A part of an upload that has arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// From 1.
    pub number: u32,
    pub etag: String,
    pub size: u64,
    /// As it was signed into the URL that the part was put at.
    pub sha256: Option<[u8; 32]>,
}

impl Store {
    /// Opens an upload whose parts each come with their SHA-256 and returns its id. It costs space until
    /// it is completed or aborted.
    pub async fn create_multipart(
        &self,
        bucket: Bucket,
        key: &str,
        content_type: &str,
    ) -> Result<String> {
        let algorithm = Some(ChecksumAlgorithm::Sha256);
        self.open_multipart(bucket, key, content_type, algorithm)
            .await
    }

    async fn open_multipart(
        &self,
        bucket: Bucket,
        key: &str,
        content_type: &str,
        algorithm: Option<ChecksumAlgorithm>,
    ) -> Result<String> {
        let create = self
            .inside
            .create_multipart_upload()
            .bucket(self.names.name(bucket))
            .key(key);
        let answer = create
            .content_type(content_type)
            .set_checksum_algorithm(algorithm)
            .send()
            .await?;
        answer
            .upload_id
            .ok_or_else(|| Error::other("no upload id in the answer"))
    }

    /// The parts that have arrived, by number.
    pub async fn list_parts(
        &self,
        bucket: Bucket,
        key: &str,
        upload_id: &str,
    ) -> Result<Vec<Part>> {
        let mut pages = self
            .inside
            .list_parts()
            .bucket(self.names.name(bucket))
            .key(key)
            .upload_id(upload_id)
            .into_paginator()
            .send();
        let mut parts = Vec::new();
        while let Some(page) = pages.next().await {
            for part in page?.parts() {
                parts.push(Part {
                    number: u32::try_from(part.part_number().unwrap_or(-1))
                        .map_err(Error::other)?,
                    etag: part.e_tag().unwrap_or_default().to_owned(),
                    size: size(part.size())?,
                    sha256: part.checksum_sha256().and_then(sha256_from_base64),
                });
            }
        }
        Ok(parts)
    }

    /// Makes the object of its parts and returns its etag. From here on no part's URL works any more.
    ///
    /// Fails with [`Error::InvalidParts`] if they are not what arrived. Saying it twice is fine: our
    /// keys belong to one upload, so an object under the key is what the first time made.
    pub async fn complete_multipart(
        &self,
        bucket: Bucket,
        key: &str,
        upload_id: &str,
        parts: &[Part],
    ) -> Result<String> {
        let answer = self
            .inside
            .complete_multipart_upload()
            .bucket(self.names.name(bucket))
            .key(key)
            .upload_id(upload_id)
            .multipart_upload(completed(parts)?)
            .send()
            .await
            .map_err(Error::from);
        match answer {
            Ok(answer) => Ok(answer.e_tag.unwrap_or_default()),
            Err(Error::NotFound) => Ok(self.head(bucket, key).await?.etag),
            Err(error) => Err(error),
        }
    }

    /// Drops an upload and its parts; one that is not there is as good as dropped.
    pub async fn abort_multipart(&self, bucket: Bucket, key: &str, upload_id: &str) -> Result<()> {
        let abort = self
            .inside
            .abort_multipart_upload()
            .bucket(self.names.name(bucket))
            .key(key);
        match abort.upload_id(upload_id).send().await.map_err(Error::from) {
            Ok(_) | Err(Error::NotFound) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Puts a file of any size, in parts if it is large, and says what was put.
    pub async fn put_file(
        &self,
        bucket: Bucket,
        key: &str,
        content_type: &str,
        path: &Path,
    ) -> Result<Digest> {
        let digest = digest_of_file(path).await.map_err(Error::other)?;
        if digest.size <= PART_SIZE {
            let content = tokio::fs::read(path).await.map_err(Error::other)?;
            let put = self.put_bytes(bucket, key, content_type, content).await?;
            return same(digest, put);
        }
        let upload_id = self.open_multipart(bucket, key, content_type, None).await?;
        let put = self
            .put_parts(bucket, key, &upload_id, path, digest.size)
            .await;
        if put.is_err()
            && let Err(error) = self.abort_multipart(bucket, key, &upload_id).await
        {
            // The parts stay until the store's own rule for unfinished uploads removes them.
            tracing::warn!(%error, "an upload that failed could not be aborted");
        }
        put.map(|()| digest)
    }

    async fn put_parts(
        &self,
        bucket: Bucket,
        key: &str,
        upload_id: &str,
        path: &Path,
        total: u64,
    ) -> Result<()> {
        let part_size = PART_SIZE.max(total.div_ceil(MAX_PARTS));
        let mut parts = Vec::new();
        for (number, offset) in (1..).zip((0..total).step_by(part_size as usize)) {
            let size = part_size.min(total - offset);
            let body = ByteStream::read_from()
                .path(path)
                .offset(offset)
                .length(Length::Exact(size))
                .build()
                .await
                .map_err(Error::other)?;
            let upload = self
                .inside
                .upload_part()
                .bucket(self.names.name(bucket))
                .key(key);
            let upload = upload.upload_id(upload_id).part_number(number).body(body);
            let etag = upload.send().await?.e_tag.unwrap_or_default();
            parts.push(Part {
                number: number as u32,
                etag,
                size,
                sha256: None,
            });
        }
        self.complete_multipart(bucket, key, upload_id, &parts)
            .await?;
        Ok(())
    }
}

fn completed(parts: &[Part]) -> Result<CompletedMultipartUpload> {
    let mut completed = CompletedMultipartUpload::builder();
    for part in parts {
        let number = i32::try_from(part.number).map_err(Error::other)?;
        completed = completed.parts(
            CompletedPart::builder()
                .part_number(number)
                .e_tag(&part.etag)
                .set_checksum_sha256(part.sha256.map(|sha256| BASE64.encode(sha256)))
                .build(),
        );
    }
    Ok(completed.build())
}

async fn digest_of_file(path: &Path) -> std::io::Result<Digest> {
    let mut file = tokio::fs::File::open(path).await?;
    let mut hasher = Sha256::new();
    let mut chunk = vec![0; CHUNK];
    let mut size = 0;
    loop {
        let read = file.read(&mut chunk).await?;
        if read == 0 {
            return Ok(Digest {
                size,
                sha256: hasher.finalize().into(),
            });
        }
        hasher.update(&chunk[..read]);
        size += read as u64;
    }
}

fn same(expected: Digest, put: Digest) -> Result<Digest> {
    if expected == put {
        Ok(put)
    } else {
        Err(Error::other("the file changed while it was put"))
    }
}
