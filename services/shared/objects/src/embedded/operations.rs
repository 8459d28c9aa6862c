//! The S3 operations, on [`Disk`]. Whether the caller may was decided before, in `access`.

use std::fs;
use std::io::{self, ErrorKind, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use s3s::dto::{
    AbortMultipartUploadInput, AbortMultipartUploadOutput, Checksum, CompleteMultipartUploadInput,
    CompleteMultipartUploadOutput, CopyObjectInput, CopyObjectOutput, CopyObjectResult, CopySource,
    CreateBucketInput, CreateBucketOutput, CreateMultipartUploadInput, CreateMultipartUploadOutput,
    DeleteObjectInput, DeleteObjectOutput, ETag, ETagCondition, GetObjectInput, GetObjectOutput,
    HeadBucketInput, HeadBucketOutput, HeadObjectInput, HeadObjectOutput, ListObjectsV2Input,
    ListObjectsV2Output, ListPartsInput, ListPartsOutput, Object, PutObjectInput, PutObjectOutput,
    Range, StreamingBlob, Timestamp, UploadPartInput, UploadPartOutput,
};
use s3s::{S3, S3Request, S3Response, S3Result, s3_error};
use tokio::io::AsyncReadExt;
use tokio_util::io::ReaderStream;

use super::disk::{self, Disk, Draft, Durability, Meta, Opened, Upload};
use super::failure::{in_the_way, internal, is_missing, no_such_upload};
use super::parts::{join, length, list_parts};
use super::receive::CHUNK;

const MAX_PARTS: i32 = 10_000;
const MAX_KEYS: i32 = 1000;

#[async_trait::async_trait]
impl S3 for Disk {
    async fn create_bucket(
        &self,
        request: S3Request<CreateBucketInput>,
    ) -> S3Result<S3Response<CreateBucketOutput>> {
        match fs::create_dir(self.bucket(&request.input.bucket)) {
            Ok(()) => Ok(S3Response::new(CreateBucketOutput::default())),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                Err(s3_error!(BucketAlreadyOwnedByYou))
            }
            Err(error) => Err(internal(error)),
        }
    }

    async fn head_bucket(
        &self,
        request: S3Request<HeadBucketInput>,
    ) -> S3Result<S3Response<HeadBucketOutput>> {
        self.require_bucket(&request.input.bucket)?;
        Ok(S3Response::new(HeadBucketOutput::default()))
    }

    async fn head_object(
        &self,
        request: S3Request<HeadObjectInput>,
    ) -> S3Result<S3Response<HeadObjectOutput>> {
        let object = self
            .open_object(&request.input.bucket, &request.input.key)
            .await?;
        Ok(S3Response::new(HeadObjectOutput {
            content_length: Some(length(object.size)?),
            e_tag: Some(ETag::Strong(object.meta.etag)),
            checksum_sha256: object.meta.sha256,
            content_type: object.meta.content_type,
            last_modified: Some(Timestamp::from(object.modified)),
            accept_ranges: Some("bytes".to_owned()),
            ..HeadObjectOutput::default()
        }))
    }

    async fn get_object(
        &self,
        request: S3Request<GetObjectInput>,
    ) -> S3Result<S3Response<GetObjectOutput>> {
        let input = request.input;
        let mut object = self.open_object(&input.bucket, &input.key).await?;
        let (first, size, content_range) = part_of(input.range, object.size)?;
        object.file.seek(SeekFrom::Start(first)).map_err(internal)?;
        let file = tokio::fs::File::from_std(object.file).take(size);
        let whole = content_range.is_none();
        Ok(S3Response::new(GetObjectOutput {
            body: Some(StreamingBlob::wrap(ReaderStream::with_capacity(
                file, CHUNK,
            ))),
            content_length: Some(length(size)?),
            content_range,
            e_tag: Some(ETag::Strong(object.meta.etag)),
            checksum_sha256: object.meta.sha256.filter(|_| whole),
            content_type: input.response_content_type.or(object.meta.content_type),
            content_disposition: input.response_content_disposition,
            last_modified: Some(Timestamp::from(object.modified)),
            accept_ranges: Some("bytes".to_owned()),
            ..GetObjectOutput::default()
        }))
    }

    async fn list_objects_v2(
        &self,
        request: S3Request<ListObjectsV2Input>,
    ) -> S3Result<S3Response<ListObjectsV2Output>> {
        let input = request.input;
        if input.delimiter.is_some() {
            return Err(s3_error!(NotImplemented, "lists have no delimiter here"));
        }
        self.require_bucket(&input.bucket)?;
        let bucket = self.bucket(&input.bucket);
        let prefix = input.prefix.clone().unwrap_or_default();
        let after = input
            .continuation_token
            .clone()
            .max(input.start_after.clone());
        let limit = input.max_keys.unwrap_or(MAX_KEYS).clamp(1, MAX_KEYS);
        let (objects, is_truncated) =
            blocking(move || list(&bucket, &prefix, after.as_deref(), limit as usize)).await?;
        let last = objects.last().and_then(|object| object.key.clone());
        Ok(S3Response::new(ListObjectsV2Output {
            key_count: i32::try_from(objects.len()).ok(),
            contents: Some(objects),
            is_truncated: Some(is_truncated),
            next_continuation_token: last.filter(|_| is_truncated),
            continuation_token: input.continuation_token,
            max_keys: Some(limit),
            name: Some(input.bucket),
            prefix: input.prefix,
            start_after: input.start_after,
            ..ListObjectsV2Output::default()
        }))
    }

    async fn put_object(
        &self,
        request: S3Request<PutObjectInput>,
    ) -> S3Result<S3Response<PutObjectOutput>> {
        let mut input = request.input;
        let path = self.object_path(&input.bucket, &input.key)?;
        let replace = !only_if_missing(input.if_none_match.as_ref());
        let body = input.body.take().ok_or_else(|| s3_error!(IncompleteBody))?;
        let declared = Checksum {
            checksum_sha256: input.checksum_sha256,
            checksum_sha1: input.checksum_sha1,
            checksum_crc32: input.checksum_crc32,
            checksum_crc32c: input.checksum_crc32c,
            checksum_crc64nvme: input.checksum_crc64nvme,
            ..Checksum::default()
        };
        let algorithm = input
            .checksum_algorithm
            .as_ref()
            .map(|a| a.as_str().to_owned());
        let (draft, etag, sha256) = self
            .receive(body, declared, algorithm, request.trailing_headers)
            .await?;
        let meta = Meta {
            etag,
            sha256,
            content_type: input.content_type,
        };
        let known = meta.clone();
        blocking(move || place(draft, &known, &path, replace)).await?;
        Ok(S3Response::new(PutObjectOutput {
            e_tag: Some(ETag::Strong(meta.etag)),
            checksum_sha256: meta.sha256,
            ..PutObjectOutput::default()
        }))
    }

    async fn copy_object(
        &self,
        request: S3Request<CopyObjectInput>,
    ) -> S3Result<S3Response<CopyObjectOutput>> {
        let input = request.input;
        let CopySource::Bucket { bucket, key, .. } = &input.copy_source else {
            return Err(s3_error!(NotImplemented));
        };
        let source = self.open_object(bucket, key).await?;
        let path = self.object_path(&input.bucket, &input.key)?;
        let mut draft = self.draft().map_err(internal)?;
        let etag = source.meta.etag.clone();
        let copied = blocking(move || {
            disk::append(&source, &mut draft.file).map_err(internal)?;
            place(draft, &source.meta, &path, true)?;
            disk::open(&path).map_err(internal)
        })
        .await?;
        Ok(S3Response::new(CopyObjectOutput {
            copy_object_result: Some(CopyObjectResult {
                e_tag: Some(ETag::Strong(etag)),
                last_modified: Some(Timestamp::from(copied.modified)),
                ..CopyObjectResult::default()
            }),
            ..CopyObjectOutput::default()
        }))
    }

    async fn delete_object(
        &self,
        request: S3Request<DeleteObjectInput>,
    ) -> S3Result<S3Response<DeleteObjectOutput>> {
        let path = self.object_path(&request.input.bucket, &request.input.key)?;
        match tokio::fs::remove_file(path).await {
            Err(error) if !is_missing(&error) => Err(internal(error)),
            _ => Ok(S3Response::new(DeleteObjectOutput::default())),
        }
    }

    async fn create_multipart_upload(
        &self,
        request: S3Request<CreateMultipartUploadInput>,
    ) -> S3Result<S3Response<CreateMultipartUploadOutput>> {
        let input = request.input;
        self.object_path(&input.bucket, &input.key)?;
        let upload = Upload {
            bucket: input.bucket.clone(),
            key: input.key.clone(),
            content_type: input.content_type,
        };
        let id = self.create_upload(&upload).map_err(internal)?;
        Ok(S3Response::new(CreateMultipartUploadOutput {
            bucket: Some(input.bucket),
            key: Some(input.key),
            upload_id: Some(id.to_string()),
            ..CreateMultipartUploadOutput::default()
        }))
    }

    async fn upload_part(
        &self,
        request: S3Request<UploadPartInput>,
    ) -> S3Result<S3Response<UploadPartOutput>> {
        let mut input = request.input;
        if !(1..=MAX_PARTS).contains(&input.part_number) {
            return Err(s3_error!(
                InvalidArgument,
                "parts are numbered from 1 to {}",
                MAX_PARTS
            ));
        }
        let (folder, _) = self.find_upload(&input.upload_id, &input.bucket, &input.key)?;
        let body = input.body.take().ok_or_else(|| s3_error!(IncompleteBody))?;
        let declared = Checksum {
            checksum_sha256: input.checksum_sha256,
            checksum_sha1: input.checksum_sha1,
            checksum_crc32: input.checksum_crc32,
            checksum_crc32c: input.checksum_crc32c,
            checksum_crc64nvme: input.checksum_crc64nvme,
            ..Checksum::default()
        };
        let algorithm = input
            .checksum_algorithm
            .as_ref()
            .map(|a| a.as_str().to_owned());
        let (draft, etag, sha256) = self
            .receive(body, declared, algorithm, request.trailing_headers)
            .await?;
        let meta = Meta {
            etag: etag.clone(),
            sha256: sha256.clone(),
            content_type: None,
        };
        let path = folder.join(disk::part_name(input.part_number));
        // The folder is gone if the upload was completed or aborted while the part was on its way.
        blocking(move || {
            draft
                .place(&meta, &path, Durability::Cached, true)
                .map_err(no_such_upload)
        })
        .await?;
        Ok(S3Response::new(UploadPartOutput {
            e_tag: Some(ETag::Strong(etag)),
            checksum_sha256: sha256,
            ..UploadPartOutput::default()
        }))
    }

    async fn list_parts(
        &self,
        request: S3Request<ListPartsInput>,
    ) -> S3Result<S3Response<ListPartsOutput>> {
        let input = request.input;
        let (folder, _) = self.find_upload(&input.upload_id, &input.bucket, &input.key)?;
        let after = input.part_number_marker.unwrap_or(0);
        let limit = input.max_parts.unwrap_or(MAX_KEYS).clamp(1, MAX_KEYS);
        let (parts, is_truncated) =
            blocking(move || list_parts(&folder, after, limit as usize)).await?;
        let last = parts.last().and_then(|part| part.part_number);
        Ok(S3Response::new(ListPartsOutput {
            bucket: Some(input.bucket),
            key: Some(input.key),
            upload_id: Some(input.upload_id),
            next_part_number_marker: last.filter(|_| is_truncated),
            is_truncated: Some(is_truncated),
            max_parts: Some(limit),
            parts: Some(parts),
            ..ListPartsOutput::default()
        }))
    }

    async fn complete_multipart_upload(
        &self,
        request: S3Request<CompleteMultipartUploadInput>,
    ) -> S3Result<S3Response<CompleteMultipartUploadOutput>> {
        let input = request.input;
        let path = self.object_path(&input.bucket, &input.key)?;
        let (folder, upload) = self.find_upload(&input.upload_id, &input.bucket, &input.key)?;
        let replace = !only_if_missing(input.if_none_match.as_ref());
        let parts = input
            .multipart_upload
            .and_then(|upload| upload.parts)
            .unwrap_or_default();
        let draft = self.draft().map_err(internal)?;
        let etag = blocking(move || {
            let (draft, etag) = join(draft, &folder, &parts)?;
            let content_type = upload.content_type;
            let meta = Meta {
                etag: etag.clone(),
                sha256: None,
                content_type,
            };
            place(draft, &meta, &path, replace)?;
            // Only now: until the object is on disk the upload can be completed again.
            fs::remove_dir_all(&folder).map_err(internal)?;
            Ok(etag)
        })
        .await?;
        Ok(S3Response::new(CompleteMultipartUploadOutput {
            bucket: Some(input.bucket),
            key: Some(input.key),
            e_tag: Some(ETag::Strong(etag)),
            ..CompleteMultipartUploadOutput::default()
        }))
    }

    async fn abort_multipart_upload(
        &self,
        request: S3Request<AbortMultipartUploadInput>,
    ) -> S3Result<S3Response<AbortMultipartUploadOutput>> {
        let input = request.input;
        let (folder, _) = self.find_upload(&input.upload_id, &input.bucket, &input.key)?;
        tokio::fs::remove_dir_all(folder).await.map_err(internal)?;
        Ok(S3Response::new(AbortMultipartUploadOutput::default()))
    }
}

impl Disk {
    fn require_bucket(&self, bucket: &str) -> S3Result<()> {
        if self.bucket(bucket).is_dir() {
            Ok(())
        } else {
            Err(s3_error!(NoSuchBucket))
        }
    }

    fn object_path(&self, bucket: &str, key: &str) -> S3Result<PathBuf> {
        self.require_bucket(bucket)?;
        let path = self.object(bucket, key);
        path.ok_or_else(|| s3_error!(InvalidArgument, "this server does not take such keys"))
    }

    async fn open_object(&self, bucket: &str, key: &str) -> S3Result<Opened> {
        let path = self.object_path(bucket, key)?;
        blocking(move || {
            disk::open(&path).map_err(|error| match is_missing(&error) {
                true => s3_error!(NoSuchKey),
                false => internal(error),
            })
        })
        .await
    }

    fn find_upload(&self, id: &str, bucket: &str, key: &str) -> S3Result<(PathBuf, Upload)> {
        let folder = self.upload(id).ok_or_else(|| s3_error!(NoSuchUpload))?;
        let upload = disk::read_upload(&folder).map_err(no_such_upload)?;
        if upload.bucket != bucket || upload.key != key {
            return Err(s3_error!(NoSuchUpload));
        }
        Ok((folder, upload))
    }
}

/// First byte, number of bytes and the header that says so.
fn part_of(range: Option<Range>, size: u64) -> S3Result<(u64, u64, Option<String>)> {
    let Some(range) = range else {
        return Ok((0, size, None));
    };
    let range = range.check(size)?;
    let header = format!("bytes {}-{}/{size}", range.start, range.end - 1);
    Ok((range.start, range.end - range.start, Some(header)))
}

fn only_if_missing(condition: Option<&ETagCondition>) -> bool {
    condition.is_some_and(ETagCondition::is_any)
}

fn place(draft: Draft, meta: &Meta, path: &Path, replace: bool) -> S3Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(in_the_way)?;
    }
    draft
        .place(meta, path, Durability::Synced, replace)
        .map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists => s3_error!(PreconditionFailed, "the object exists"),
            _ => in_the_way(error),
        })
}

fn list(
    bucket: &Path,
    prefix: &str,
    after: Option<&str>,
    limit: usize,
) -> S3Result<(Vec<Object>, bool)> {
    let mut keys = disk::keys(bucket, prefix).map_err(internal)?;
    if let Some(after) = after {
        keys.retain(|key| key.as_str() > after);
    }
    let is_truncated = keys.len() > limit;
    keys.truncate(limit);
    let mut objects = Vec::with_capacity(keys.len());
    for key in keys {
        let object = match disk::open(&bucket.join(&key)) {
            Ok(object) => object,
            // Deleted since.
            Err(error) if is_missing(&error) => continue,
            Err(error) => return Err(internal(error)),
        };
        objects.push(Object {
            key: Some(key),
            size: Some(length(object.size)?),
            e_tag: Some(ETag::Strong(object.meta.etag)),
            last_modified: Some(Timestamp::from(object.modified)),
            ..Object::default()
        });
    }
    Ok((objects, is_truncated))
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> S3Result<T> + Send + 'static,
) -> S3Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| internal(io::Error::other(error)))?
}
