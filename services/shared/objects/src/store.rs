//! The client side: plain operations here, uploads in parts and pre-signed URLs in files of their own.

mod multipart;
mod presign;

use std::io;
use std::path::Path;
use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{
    BehaviorVersion, Credentials, Region, RequestChecksumCalculation, ResponseChecksumValidation,
    SharedHttpClient,
};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::ChecksumMode;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::{Bytes, BytesMut};
use futures_util::Stream;
use secrecy::ExposeSecret;
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio_util::io::ReaderStream;
use url::Url;

pub use multipart::Part;
pub use presign::Presigned;

use crate::args::S3Args;
use crate::bucket::{Bucket, BucketNames};
use crate::error::{Error, Result};

/// How much is read at a time where a whole object passes through.
const CHUNK: usize = 256 * 1024;

/// The object store, as one role may use it. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Store {
    inside: Client,
    /// Never sends anything: it signs URLs that name the public endpoint.
    public: Client,
    names: BucketNames,
    public_origin: String,
}

/// What the store knows of an object without reading it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    pub size: u64,
    pub etag: String,
    /// Only where the whole object was put at once with its checksum; not after a multipart upload.
    pub sha256: Option<[u8; 32]>,
    pub content_type: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub key: String,
    pub size: u64,
}

/// What a whole object is, as it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Digest {
    pub size: u64,
    pub sha256: [u8; 32],
}

/// An object that is being read.
pub struct ObjectRead {
    pub size: u64,
    pub etag: String,
    body: ByteStream,
}

impl ObjectRead {
    pub fn into_reader(self) -> impl AsyncRead + Send + Unpin + 'static {
        self.body.into_async_read()
    }

    pub fn into_stream(self) -> impl Stream<Item = io::Result<Bytes>> + Send + Unpin + 'static {
        ReaderStream::with_capacity(self.into_reader(), CHUNK)
    }
}

impl Store {
    /// Sets up the clients; nothing is sent yet, see [`Store::ping`].
    pub fn connect(args: &S3Args) -> Result<Self> {
        let public = args.public_endpoint.as_ref().unwrap_or(&args.endpoint);
        let http = aws_smithy_http_client::Builder::new()
            .tls_provider(Provider::Rustls(CryptoMode::Ring))
            .build_https();
        Ok(Self {
            inside: client(args, &args.endpoint, http.clone())?,
            public: client(args, public, http)?,
            names: BucketNames::new(&args.bucket_prefix),
            public_origin: public.origin().ascii_serialization(),
        })
    }

    /// Where pre-signed URLs lead, as browsers name it.
    pub fn public_origin(&self) -> &str {
        &self.public_origin
    }

    /// Whether the store answers and knows our key.
    pub async fn ping(&self) -> Result<()> {
        let bucket = self.names.name(Bucket::Public);
        self.inside.head_bucket().bucket(bucket).send().await?;
        Ok(())
    }

    /// Makes the buckets that are missing. Only the owner's key may.
    pub async fn ensure_buckets(&self) -> Result<()> {
        for bucket in Bucket::ALL {
            let name = self.names.name(bucket);
            let made = self.inside.create_bucket().bucket(name).send().await;
            if let Err(error) = made {
                let exists = error.as_service_error().is_some_and(|e| {
                    e.is_bucket_already_owned_by_you() || e.is_bucket_already_exists()
                });
                if !exists {
                    return Err(error.into());
                }
            }
        }
        Ok(())
    }

    /// Puts a small object whole, replacing what was there. Its SHA-256 travels along and is stored.
    pub async fn put_bytes(
        &self,
        bucket: Bucket,
        key: &str,
        content_type: &str,
        body: impl Into<Bytes>,
    ) -> Result<Digest> {
        let body = body.into();
        let digest = Digest {
            size: body.len() as u64,
            sha256: Sha256::digest(&body).into(),
        };
        self.inside
            .put_object()
            .bucket(self.names.name(bucket))
            .key(key)
            .content_type(content_type)
            .checksum_sha256(BASE64.encode(digest.sha256))
            .body(ByteStream::from(body))
            .send()
            .await?;
        Ok(digest)
    }

    /// Reads a whole object into memory, unless it has more than `max` bytes.
    pub async fn get_bytes(&self, bucket: Bucket, key: &str, max: u64) -> Result<Bytes> {
        let object = self.open(bucket, key).await?;
        if object.size > max {
            return Err(Error::TooLarge { limit: max });
        }
        let mut content =
            BytesMut::with_capacity(usize::try_from(object.size).map_err(Error::other)?);
        // The length is the server's word; the limit holds whatever it sends.
        let mut reader = object.into_reader().take(max.saturating_add(1));
        while reader.read_buf(&mut content).await? > 0 {}
        if content.len() as u64 > max {
            return Err(Error::TooLarge { limit: max });
        }
        Ok(content.freeze())
    }

    /// Starts to read an object.
    pub async fn open(&self, bucket: Bucket, key: &str) -> Result<ObjectRead> {
        let get = self
            .inside
            .get_object()
            .bucket(self.names.name(bucket))
            .key(key);
        let answer = get.send().await?;
        Ok(ObjectRead {
            size: size(answer.content_length())?,
            etag: answer.e_tag().unwrap_or_default().to_owned(),
            body: answer.body,
        })
    }

    /// Reads a whole object as a stream of pieces.
    pub async fn get_stream(
        &self,
        bucket: Bucket,
        key: &str,
    ) -> Result<impl Stream<Item = io::Result<Bytes>> + Send + Unpin + 'static> {
        Ok(self.open(bucket, key).await?.into_stream())
    }

    /// Reads `range` of an object (first byte to before `end`).
    pub async fn get_range(
        &self,
        bucket: Bucket,
        key: &str,
        range: std::ops::Range<u64>,
    ) -> Result<Bytes> {
        if range.is_empty() {
            return Ok(Bytes::new());
        }
        let get = self
            .inside
            .get_object()
            .bucket(self.names.name(bucket))
            .key(key);
        let answer = get
            .range(format!("bytes={}-{}", range.start, range.end - 1))
            .send()
            .await?;
        let body = answer
            .body
            .collect()
            .await
            .map_err(|error| Error::Unavailable(error.into()))?;
        Ok(body.into_bytes())
    }

    /// Reads the whole object to say what it is. The only check that holds for an object that arrived
    /// in parts.
    pub async fn digest(&self, bucket: Bucket, key: &str) -> Result<Digest> {
        let object = self.open(bucket, key).await?;
        copy_hashed(object, tokio::io::sink()).await
    }

    /// Reads the whole object into a new file and says what it was.
    ///
    /// On an error, or if the digest is not the one hoped for, the file is the caller's to remove.
    pub async fn fetch(&self, bucket: Bucket, key: &str, to: &Path) -> Result<Digest> {
        let object = self.open(bucket, key).await?;
        let file = tokio::fs::File::create_new(to)
            .await
            .map_err(Error::other)?;
        copy_hashed(object, file).await
    }

    pub async fn head(&self, bucket: Bucket, key: &str) -> Result<Head> {
        let head = self
            .inside
            .head_object()
            .bucket(self.names.name(bucket))
            .key(key)
            .checksum_mode(ChecksumMode::Enabled)
            .send()
            .await?;
        Ok(Head {
            size: size(head.content_length())?,
            etag: head.e_tag().unwrap_or_default().to_owned(),
            sha256: head.checksum_sha256().and_then(sha256_from_base64),
            content_type: head.content_type().map(str::to_owned),
        })
    }

    /// Removes an object; one that is not there is as good as removed.
    pub async fn delete(&self, bucket: Bucket, key: &str) -> Result<()> {
        let delete = self
            .inside
            .delete_object()
            .bucket(self.names.name(bucket))
            .key(key);
        delete.send().await?;
        Ok(())
    }

    /// Copies within the store. The key must be allowed to read `from` and to write `to`.
    pub async fn copy(&self, from: (Bucket, &str), to: (Bucket, &str)) -> Result<()> {
        self.inside
            .copy_object()
            .copy_source(format!("{}/{}", self.names.name(from.0), from.1))
            .bucket(self.names.name(to.0))
            .key(to.1)
            .send()
            .await?;
        Ok(())
    }

    /// All objects whose key starts with `prefix`, by key.
    pub async fn list(&self, bucket: Bucket, prefix: &str) -> Result<Vec<Entry>> {
        let mut pages = self
            .inside
            .list_objects_v2()
            .bucket(self.names.name(bucket))
            .prefix(prefix)
            .into_paginator()
            .send();
        let mut entries = Vec::new();
        while let Some(page) = pages.next().await {
            for object in page?.contents() {
                let key = object.key().unwrap_or_default().to_owned();
                entries.push(Entry {
                    key,
                    size: size(object.size())?,
                });
            }
        }
        Ok(entries)
    }
}

fn client(args: &S3Args, endpoint: &Url, http: SharedHttpClient) -> Result<Client> {
    // A path would become part of what is signed, and a proxy that strips it would break every
    // signature.
    if endpoint.path() != "/" || endpoint.query().is_some() {
        return Err(Error::other(format!(
            "the S3 endpoint {endpoint} must not have a path"
        )));
    }
    let credentials = Credentials::new(
        &args.access_key,
        args.secret_key.expose_secret(),
        None,
        None,
        "molar",
    );
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(args.region.clone()))
        .endpoint_url(endpoint.as_str().trim_end_matches('/'))
        .force_path_style(true)
        .credentials_provider(credentials)
        .http_client(http)
        .retry_config(RetryConfig::standard().with_max_attempts(3))
        // No limit on a whole operation: completing an upload of many gigabytes may take minutes.
        .timeout_config(
            TimeoutConfig::builder()
                .connect_timeout(Duration::from_secs(3))
                .build(),
        )
        // The SHA-256 is given where it is wanted; another checksum in pre-signed requests would be
        // one more header for clients to get right.
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
        .build();
    Ok(Client::from_conf(config))
}

async fn copy_hashed(
    object: ObjectRead,
    mut to: impl tokio::io::AsyncWrite + Unpin,
) -> Result<Digest> {
    let expected = object.size;
    let mut reader = object.into_reader();
    let mut hasher = Sha256::new();
    let mut chunk = vec![0; CHUNK];
    let mut size = 0;
    loop {
        let read = reader.read(&mut chunk).await?;
        if read == 0 {
            break;
        }
        hasher.update(&chunk[..read]);
        to.write_all(&chunk[..read]).await.map_err(Error::other)?;
        size += read as u64;
    }
    to.flush().await.map_err(Error::other)?;
    if size != expected {
        return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
    }
    Ok(Digest {
        size,
        sha256: hasher.finalize().into(),
    })
}

fn size(length: Option<i64>) -> Result<u64> {
    u64::try_from(length.unwrap_or(-1)).map_err(Error::other)
}

fn sha256_from_base64(text: &str) -> Option<[u8; 32]> {
    // A composite checksum of a multipart upload ("…-3") says nothing about the whole.
    BASE64.decode(text).ok()?.try_into().ok()
}
