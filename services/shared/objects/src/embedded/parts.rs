//! The parts of an upload, and the object that they make.

use std::fs;
use std::io;
use std::path::Path;

use s3s::crypto::{Checksum as _, Md5};
use s3s::dto::{CompletedPart, ETag, Part, Timestamp};
use s3s::{S3Result, s3_error};

use super::disk::{self, Draft};
use super::failure::{internal, no_such_upload};

/// As on every other S3: a part must have this much unless it is the last.
const SMALLEST_PART: u64 = 5 * 1024 * 1024;

pub fn list_parts(folder: &Path, after: i32, limit: usize) -> S3Result<(Vec<Part>, bool)> {
    let mut numbers = Vec::new();
    for entry in fs::read_dir(folder).map_err(no_such_upload)? {
        let name = entry.map_err(internal)?.file_name();
        let number = name.to_str().and_then(|name| name.strip_prefix("part-"));
        numbers.extend(number.and_then(|number| number.parse::<i32>().ok()));
    }
    numbers.retain(|number| *number > after);
    numbers.sort_unstable();
    let is_truncated = numbers.len() > limit;
    numbers.truncate(limit);
    let mut parts = Vec::with_capacity(numbers.len());
    for number in numbers {
        let part = disk::open(&folder.join(disk::part_name(number))).map_err(no_such_upload)?;
        parts.push(Part {
            part_number: Some(number),
            size: Some(length(part.size)?),
            e_tag: Some(ETag::Strong(part.meta.etag)),
            checksum_sha256: part.meta.sha256,
            last_modified: Some(Timestamp::from(part.modified)),
            ..Part::default()
        });
    }
    Ok((parts, is_truncated))
}

/// Writes the parts one after the other and returns the etag as S3 makes it of many parts: the MD5 of
/// their MD5s, and how many they are.
pub fn join(mut draft: Draft, folder: &Path, parts: &[CompletedPart]) -> S3Result<(Draft, String)> {
    let mut md5 = Md5::new();
    let mut last = 0;
    for (place, named) in parts.iter().enumerate() {
        let number = named.part_number.unwrap_or(0);
        if number <= last {
            return Err(s3_error!(InvalidPartOrder));
        }
        last = number;
        let part = disk::open(&folder.join(disk::part_name(number)))
            .map_err(|_| s3_error!(InvalidPart, "part {} has not arrived", number))?;
        if named
            .e_tag
            .as_ref()
            .is_none_or(|etag| etag.value() != part.meta.etag)
        {
            return Err(s3_error!(
                InvalidPart,
                "part {} is not the one that arrived",
                number
            ));
        }
        if part.size < SMALLEST_PART && place + 1 < parts.len() {
            return Err(s3_error!(
                EntityTooSmall,
                "part {} is smaller than 5 MiB",
                number
            ));
        }
        md5.update(
            &hex::decode(&part.meta.etag).map_err(|error| internal(io::Error::other(error)))?,
        );
        disk::append(&part, &mut draft.file).map_err(internal)?;
    }
    if parts.is_empty() {
        return Err(s3_error!(InvalidPart, "an object needs at least one part"));
    }
    Ok((
        draft,
        format!("{}-{}", hex::encode(md5.finalize()), parts.len()),
    ))
}

pub fn length(size: u64) -> S3Result<i64> {
    i64::try_from(size).map_err(|error| internal(io::Error::other(error)))
}
