//! Whether a request may be served: whose key signed it, and what that role may do.

use std::sync::Arc;

use s3s::access::{S3Access, S3AccessContext};
use s3s::auth::{Credentials, S3Auth, SecretKey};
use s3s::dto::{CopyObjectInput, CopySource};
use s3s::{S3Request, S3Result, s3_error};
use secrecy::ExposeSecret;

use crate::grants::{Action, Grants, Role, may};

pub(super) struct Keys(pub Arc<Grants>);

#[async_trait::async_trait]
impl S3Auth for Keys {
    async fn get_secret_key(&self, access_key: &str) -> S3Result<SecretKey> {
        match self.0.holders.get(access_key) {
            Some((_, secret)) => Ok(SecretKey::from(secret.expose_secret())),
            None => Err(s3_error!(InvalidAccessKeyId)),
        }
    }
}

pub(super) struct Policy(pub Arc<Grants>);

impl Policy {
    fn role(&self, credentials: Option<&Credentials>) -> S3Result<Role> {
        let holder = credentials.and_then(|key| self.0.holders.get(&key.access_key));
        holder
            .map(|(role, _)| *role)
            .ok_or_else(|| s3_error!(AccessDenied))
    }

    fn require(&self, role: Role, action: Action, bucket: &str) -> S3Result<()> {
        match self.0.names.parse(bucket) {
            Some(bucket) if may(role, action, bucket) => Ok(()),
            _ => Err(s3_error!(AccessDenied)),
        }
    }
}

#[async_trait::async_trait]
impl S3Access for Policy {
    async fn check(&self, request: &mut S3AccessContext<'_>) -> S3Result<()> {
        let role = self.role(request.credentials())?;
        let bucket = request
            .s3_path()
            .get_bucket_name()
            .ok_or_else(|| s3_error!(AccessDenied))?;
        refuse_unsigned_headers(request)?;
        let action = match request.s3_op().name() {
            "HeadBucket" => return Ok(()),
            "CreateBucket" if role == Role::Owner && self.0.names.parse(bucket).is_some() => {
                return Ok(());
            }
            "GetObject" => Action::Get,
            "HeadObject" => Action::Head,
            "DeleteObject" => Action::Delete,
            "ListObjectsV2" => Action::List,
            // The right to read the source is checked below, once the header is parsed.
            "PutObject" | "CopyObject" => Action::Put,
            "CreateMultipartUpload" | "UploadPart" | "ListParts" => Action::Put,
            "CompleteMultipartUpload" | "AbortMultipartUpload" => Action::Put,
            _ => return Err(s3_error!(AccessDenied)),
        };
        self.require(role, action, bucket)
    }

    async fn copy_object(&self, request: &mut S3Request<CopyObjectInput>) -> S3Result<()> {
        let role = self.role(request.credentials.as_ref())?;
        match &request.input.copy_source {
            CopySource::Bucket { bucket, .. } => self.require(role, Action::Get, bucket),
            CopySource::AccessPoint { .. } | CopySource::Outpost { .. } => {
                Err(s3_error!(AccessDenied))
            }
        }
    }
}

/// In a pre-signed request every header that S3 acts on must have been signed.
///
/// Otherwise whoever holds the URL of a PUT could turn it into a copy of any object that the signer
/// may read.
fn refuse_unsigned_headers(request: &S3AccessContext<'_>) -> S3Result<()> {
    let query = request.uri().query().unwrap_or_default();
    let mut pairs = url::form_urlencoded::parse(query.as_bytes());
    let Some((_, signed)) = pairs.find(|(name, _)| name == "X-Amz-SignedHeaders") else {
        return Ok(());
    };
    let is_signed = |name: &str| signed.split(';').any(|header| header == name);
    for name in request.headers().keys().map(|name| name.as_str()) {
        // s3s compares the body with this one by itself; it can only make the request stricter.
        let harmless = name == "x-amz-content-sha256";
        if name.starts_with("x-amz-") && !harmless && !is_signed(name) {
            return Err(s3_error!(
                AccessDenied,
                "the header {} was not signed",
                name
            ));
        }
    }
    Ok(())
}
