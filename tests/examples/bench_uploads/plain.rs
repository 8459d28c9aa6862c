//! Plain multipart, as a client without hashes puts a file: the floor of an upload.

use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region, RequestChecksumCalculation};
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use molar_tests::system::System;

use crate::stage;

const BUCKET: &str = "molar-uploads";
const KEY: &str = "submission/plain";
/// As the platform cuts a file, and as `molar submit` sends it.
const PART: usize = 8 << 20;
const PARALLEL: usize = 4;

/// Endpoint and key of the role that signs uploads.
fn embedded(system: &System) -> anyhow::Result<(String, String, String)> {
    let (state, secrets) = (system.state()?, system.secrets()?);
    let port = state["ports"]["s3"]
        .as_u64()
        .context("no port of the store")?;
    let key = |name: &str| {
        let key = secrets["s3"]["submission"][name].as_str();
        key.map(str::to_owned).with_context(|| format!("no {name}"))
    };
    let endpoint = format!("http://127.0.0.1:{port}");
    Ok((endpoint, key("access_key")?, key("secret_key")?))
}

pub struct Plain {
    s3: Client,
    http: reqwest::Client,
}

impl Plain {
    /// With the key of the role that signs uploads.
    pub fn of(system: &System) -> anyhow::Result<Self> {
        let given = stage::given_store();
        let (endpoint, access, secret) = match given {
            Some(given) => given,
            None => embedded(system)?,
        };
        let config = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .endpoint_url(endpoint)
            .force_path_style(true)
            .credentials_provider(Credentials::new(access, secret, None, None, "bench"))
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .build();
        Ok(Self {
            s3: Client::from_conf(config),
            http: reqwest::Client::new(),
        })
    }

    /// Puts the whole file, and removes it again after the time is taken.
    pub async fn put(&self, path: &Path) -> anyhow::Result<Duration> {
        let begun = std::time::Instant::now();
        let file = std::sync::Arc::new(std::fs::File::open(path)?);
        let size = usize::try_from(file.metadata()?.len())?;
        let opened = self.s3.create_multipart_upload().bucket(BUCKET).key(KEY);
        let id = opened.send().await?.upload_id.context("no upload id")?;
        let part = |number: usize| {
            let (file, id) = (file.clone(), id.clone());
            async move {
                let from = (number - 1) * PART;
                let length = PART.min(size - from);
                let bytes = tokio::task::spawn_blocking(move || {
                    let mut bytes = vec![0; length];
                    file.read_exact_at(&mut bytes, from as u64).map(|()| bytes)
                });
                self.put_part(&id, number, bytes.await??).await
            }
        };
        let parts: Vec<CompletedPart> = stream::iter(1..=size.div_ceil(PART))
            .map(part)
            .buffered(PARALLEL)
            .try_collect()
            .await?;
        let made = CompletedMultipartUpload::builder().set_parts(Some(parts));
        let complete = self.s3.complete_multipart_upload().bucket(BUCKET).key(KEY);
        let complete = complete.upload_id(id).multipart_upload(made.build());
        complete.send().await?;
        let took = begun.elapsed();
        self.s3
            .delete_object()
            .bucket(BUCKET)
            .key(KEY)
            .send()
            .await?;
        Ok(took)
    }

    async fn put_part(
        &self,
        id: &str,
        number: usize,
        bytes: Vec<u8>,
    ) -> anyhow::Result<CompletedPart> {
        let number = i32::try_from(number)?;
        let part = self.s3.upload_part().bucket(BUCKET).key(KEY);
        let part = part.upload_id(id).part_number(number);
        let life = PresigningConfig::expires_in(Duration::from_secs(600))?;
        let url = part.presigned(life).await?;
        let answer = self.http.put(url.uri()).body(bytes).send().await?;
        let answer = answer.error_for_status()?;
        let etag = answer.headers().get("etag").context("no etag")?.to_str()?;
        let done = CompletedPart::builder().part_number(number).e_tag(etag);
        Ok(done.build())
    }
}
