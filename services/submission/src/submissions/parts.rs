//! How a file is cut into parts, and the URLs to put them at.

use std::time::Duration;

use chrono::{DateTime, Utc};
use molar_objects::{Bucket, Store};
use molar_web_kit::ApiError;
use serde::Serialize;

use crate::rows::uploads::Upload;

const MIB: u64 = 1 << 20;
/// Clients hold some parts in memory at a time.
const PART_MIN: u64 = 16 * MIB;
/// Keeps the answer to a create at some hundred KiB; S3 would allow 10,000.
const PARTS_MAX: u64 = 500;
/// A new one is asked for when a URL ran out on a slow line.
const URL_LIFE_MAX: Duration = Duration::from_secs(6 * 3600);

/// Where the file is to be put.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct UploadView {
    /// Of every part but the last.
    pub part_size_bytes: u64,
    pub parts: Vec<PartView>,
    /// Until then the upload can be completed.
    pub expires_at: DateTime<Utc>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct PartView {
    /// From 1.
    pub number: u32,
    /// `PUT` the part here, with exactly `size_bytes`; keep the `ETag` of the answer.
    pub url: String,
    pub size_bytes: u64,
}

/// Whole MiB, so that it is easy to cut by hand.
pub fn part_size(size: u64) -> u64 {
    PART_MIN.max(size.div_ceil(PARTS_MAX).div_ceil(MIB) * MIB)
}

/// Number and size of every part.
pub fn cut(upload: &Upload) -> impl Iterator<Item = (u32, u64)> + use<> {
    let size = upload.size_bytes.unsigned_abs();
    let part = upload.part_size_bytes.unsigned_abs().max(1);
    let count = u32::try_from(size.div_ceil(part)).unwrap_or(u32::MAX);
    (1..=count).map(move |number| {
        let start = u64::from(number - 1) * part;
        (number, part.min(size - start))
    })
}

/// The parts from number `from` on, signed now.
pub async fn sign(
    store: &Store,
    upload: &Upload,
    from: u32,
    now: DateTime<Utc>,
) -> Result<UploadView, ApiError> {
    let left = (upload.open_until - now).to_std().unwrap_or_default();
    let life = left.clamp(Duration::from_secs(60), URL_LIFE_MAX);
    let mut parts = Vec::new();
    for (number, size_bytes) in cut(upload).filter(|(number, _)| *number >= from) {
        let (key, id) = (&upload.object_key, &upload.multipart_id);
        let signed = store
            .presign_part(Bucket::Uploads, key, id, number, Some(size_bytes), life)
            .await
            .map_err(ApiError::internal)?;
        parts.push(PartView {
            number,
            url: signed.url,
            size_bytes,
        });
    }
    Ok(UploadView {
        part_size_bytes: upload.part_size_bytes.unsigned_abs(),
        parts,
        expires_at: upload.open_until,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(size: u64) -> Vec<(u32, u64)> {
        let upload = Upload {
            submission_id: uuid::Uuid::nil(),
            state: "open".into(),
            object_key: String::new(),
            multipart_id: String::new(),
            part_size_bytes: part_size(size).cast_signed(),
            size_bytes: size.cast_signed(),
            open_until: DateTime::UNIX_EPOCH,
        };
        cut(&upload).collect()
    }

    #[test]
    fn parts_add_up_and_stay_few() {
        assert_eq!(parts(1), [(1, 1)]);
        assert_eq!(parts(PART_MIN), [(1, PART_MIN)]);
        assert_eq!(parts(PART_MIN + 1), [(1, PART_MIN), (2, 1)]);
        for size in [30 << 30, (10 << 30) + 7] {
            let parts = parts(size);
            assert!(parts.len() as u64 <= PARTS_MAX);
            assert_eq!(parts.iter().map(|(_, size)| size).sum::<u64>(), size);
        }
    }
}
