//! How a file is cut into parts, and the URLs to put them at.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use molar_objects::{Bucket, Digest};
use molar_web_kit::ApiError;
use serde::Serialize;

use crate::rows::uploads::Upload;
use crate::state::State;

const MIB: u64 = 1 << 20;
/// What a broken line costs at most, and what a client holds in memory for each part under way.
const PART_MIN: u64 = 8 * MIB;
/// S3 takes no more.
const PARTS_MAX: u64 = 10_000;
/// Of one request to sign.
pub const SIGNED_MAX: usize = 100;

/// How the file is to be put.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct UploadView {
    /// Of every part but the last.
    pub part_size_bytes: u64,
    pub part_count: u32,
    /// Signed already where the file is one part and its hash was declared; for the others call `sign`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<PartView>,
    /// Until then the upload can be completed.
    pub expires_at: DateTime<Utc>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct PartView {
    /// From 1.
    pub number: u32,
    /// `PUT` the part here, with these headers and exactly the bytes whose hash was told: the store
    /// refuses any others.
    pub url: String,
    pub headers: BTreeMap<String, String>,
    pub size_bytes: u64,
}

/// A part that somebody is about to put.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    pub number: u32,
    pub sha256: [u8; 32],
}

impl UploadView {
    pub fn of(upload: &Upload, parts: Vec<PartView>) -> Self {
        Self {
            part_size_bytes: upload.part_size_bytes.unsigned_abs(),
            part_count: u32::try_from(cut(upload).count()).unwrap_or(u32::MAX),
            parts,
            expires_at: upload.open_until,
        }
    }
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

/// Signs URLs for these parts, of this content each.
pub async fn sign(
    state: &State,
    upload: &Upload,
    wanted: &[Wanted],
    now: DateTime<Utc>,
) -> Result<Vec<PartView>, ApiError> {
    let left = (upload.open_until - now).to_std().unwrap_or_default();
    let life = left.clamp(Duration::from_secs(1), state.part_url_life);
    let sizes: BTreeMap<u32, u64> = cut(upload).collect();
    let mut parts = Vec::with_capacity(wanted.len());
    for Wanted { number, sha256 } in wanted {
        let size = *sizes.get(number).ok_or(ApiError::NotFound("part"))?;
        let (key, id) = (&upload.object_key, &upload.multipart_id);
        let content = Digest {
            size,
            sha256: *sha256,
        };
        let signed = state
            .store
            .presign_part(Bucket::Uploads, key, id, *number, &content, life)
            .await
            .map_err(ApiError::internal)?;
        parts.push(PartView {
            number: *number,
            url: signed.url,
            headers: signed.headers.into_iter().collect(),
            size_bytes: size,
        });
    }
    Ok(parts)
}

/// 64 hexadecimal digits.
pub fn sha256_of_hex(text: &str) -> Option<[u8; 32]> {
    hex::decode(text).ok()?.try_into().ok()
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
            sha256: None,
            open_until: DateTime::UNIX_EPOCH,
        };
        cut(&upload).collect()
    }

    #[test]
    fn parts_add_up_and_stay_few() {
        assert_eq!(parts(1), [(1, 1)]);
        assert_eq!(parts(PART_MIN), [(1, PART_MIN)]);
        assert_eq!(parts(PART_MIN + 1), [(1, PART_MIN), (2, 1)]);
        // S3's limits: 10,000 parts, of 5 MiB to 5 GiB but for the last, 5 TiB in all.
        let full = PARTS_MAX * PART_MIN;
        for size in [30 << 30, (10 << 30) + 7, full - 1, full, full + 1, 5 << 40] {
            let parts = parts(size);
            assert!(parts.len() as u64 <= PARTS_MAX, "{size}");
            assert_eq!(parts.iter().map(|(_, size)| size).sum::<u64>(), size);
            let [all @ .., _] = &parts[..] else { panic!() };
            assert!(
                all.iter()
                    .all(|(_, part)| (5 * MIB..=5 << 30).contains(part))
            );
        }
        assert_eq!(parts(full).len() as u64, PARTS_MAX);
        assert_eq!(part_size(30 << 30), PART_MIN);
    }
}
