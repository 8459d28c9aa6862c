use std::time::Duration;

use aws_sdk_s3::presigning::{PresignedRequest, PresigningConfig};
use base64::Engine as _;

use super::{BASE64, Bucket, Digest, Error, Result, Store};

/// A request that somebody without a key may send until it expires, with the rights of the key that
/// signed it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Presigned {
    pub method: String,
    pub url: String,
    /// To be sent exactly as they are: they are part of what was signed.
    pub headers: Vec<(String, String)>,
}

impl Store {
    /// Lets somebody read one object. With `filename`, browsers save it under that name.
    pub async fn presign_get(
        &self,
        bucket: Bucket,
        key: &str,
        ttl: Duration,
        filename: Option<&str>,
    ) -> Result<Presigned> {
        let request = self
            .public
            .get_object()
            .bucket(self.names.name(bucket))
            .key(key)
            .set_response_content_disposition(filename.map(attachment))
            .presigned(expiring(ttl)?)
            .await?;
        Ok(request.into())
    }

    /// Lets somebody put one object of exactly this content. Size and SHA-256 are signed, so that the
    /// store refuses anything else.
    pub async fn presign_put(
        &self,
        bucket: Bucket,
        key: &str,
        ttl: Duration,
        size: u64,
        sha256: &[u8; 32],
    ) -> Result<Presigned> {
        let request = self
            .public
            .put_object()
            .bucket(self.names.name(bucket))
            .key(key)
            .content_length(i64::try_from(size).map_err(Error::other)?)
            .checksum_sha256(BASE64.encode(sha256))
            .presigned(expiring(ttl)?)
            .await?;
        Ok(request.into())
    }

    /// Lets somebody put one part of an upload, of exactly this content: size and SHA-256 are signed.
    pub async fn presign_part(
        &self,
        bucket: Bucket,
        key: &str,
        upload_id: &str,
        number: u32,
        content: &Digest,
        ttl: Duration,
    ) -> Result<Presigned> {
        let request = self
            .public
            .upload_part()
            .bucket(self.names.name(bucket))
            .key(key)
            .upload_id(upload_id)
            .part_number(i32::try_from(number).map_err(Error::other)?)
            .content_length(i64::try_from(content.size).map_err(Error::other)?)
            .checksum_sha256(BASE64.encode(content.sha256))
            .presigned(expiring(ttl)?)
            .await?;
        Ok(request.into())
    }
}

fn expiring(ttl: Duration) -> Result<PresigningConfig> {
    PresigningConfig::expires_in(ttl).map_err(Error::other)
}

/// Keeps what is plain in every header and file system.
fn attachment(filename: &str) -> String {
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() || "._-".contains(c) {
            c
        } else {
            '_'
        }
    };
    format!(
        "attachment; filename=\"{}\"",
        filename.chars().map(plain).collect::<String>()
    )
}

impl From<PresignedRequest> for Presigned {
    fn from(request: PresignedRequest) -> Self {
        let headers = request
            .headers()
            .map(|(name, value)| (name.to_owned(), value.to_owned()));
        Self {
            method: request.method().to_owned(),
            url: request.uri().to_owned(),
            headers: headers.collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_name_cannot_add_a_header() {
        assert_eq!(
            attachment("a\"\r\nx: y.zip"),
            "attachment; filename=\"a___x__y.zip\""
        );
    }
}
