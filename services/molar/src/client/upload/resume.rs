//! Finding an upload again that was begun and not completed.
//!
//! The server keeps it all: which uploads are open, by what their sender knows the file, and which parts
//! with which hash have arrived. Nothing is kept on this machine.

use std::collections::HashMap;
use std::path::Path;

use anyhow::{Context as _, ensure};
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};

use crate::client::api::Api;
use crate::client::submission::Submission;

const MIB: u64 = 1 << 20;

/// How a file goes up, and what has.
#[derive(Debug, Clone)]
pub struct Plan {
    pub size_bytes: u64,
    pub part_size_bytes: u64,
    pub part_count: u32,
    /// Number and SHA-256 (hex) of what has arrived.
    pub present: HashMap<u32, String>,
    /// The parts were put together before; nothing is to be sent.
    pub is_whole: bool,
}

#[derive(Deserialize)]
struct Upload {
    part_size_bytes: u64,
    part_count: u32,
    #[serde(default)]
    present: Vec<Present>,
    #[serde(default)]
    is_whole: bool,
}

#[derive(Deserialize)]
struct Present {
    number: u32,
    sha256: Option<String>,
}

impl Plan {
    /// From `upload` of an answer to a create, or from what `…/upload` answers.
    pub fn of(upload: &Value, size_bytes: u64) -> anyhow::Result<Self> {
        let upload =
            Upload::deserialize(upload).context("the server did not say how to send it")?;
        let size = upload.part_size_bytes;
        let is_whole = size > 0 && size_bytes.div_ceil(size) == u64::from(upload.part_count);
        ensure!(is_whole, "the server's parts do not make the file");
        let present = upload.present.into_iter();
        Ok(Self {
            size_bytes,
            part_size_bytes: size,
            part_count: upload.part_count,
            present: present
                .filter_map(|part| Some((part.number, part.sha256?)))
                .collect(),
            is_whole: upload.is_whole,
        })
    }
}

/// By this a file is known again: the hash of its size, first MiB and last MiB. Two files that have all
/// of it in common still differ in a part's hash, so that no part of one stays in the other.
pub async fn key(path: &Path, size_bytes: u64) -> anyhow::Result<String> {
    let mut file = tokio::fs::File::open(path)
        .await
        .with_context(|| format!("cannot read {}", path.display()))?;
    let mut hash = Sha256::new();
    hash.update(size_bytes.to_be_bytes());
    for from in [0, size_bytes.saturating_sub(MIB)] {
        let mut end = Vec::new();
        file.seek(std::io::SeekFrom::Start(from)).await?;
        (&mut file).take(MIB).read_to_end(&mut end).await?;
        hash.update(&end);
    }
    Ok(hex::encode(hash.finalize()))
}

/// The unfinished upload of this file to this phase by this team, newest first: its id and its plan.
pub async fn find(
    api: &Api,
    submission: &Submission<'_>,
    size_bytes: u64,
    key: &str,
) -> anyhow::Result<Option<(String, Plan)>> {
    let path = format!(
        "/api/v1/submissions/unfinished?phase_id={}&team_id={}&resume_key={key}",
        submission.phase_id, submission.team_id
    );
    let open: Value = api.find(&path).await?;
    let same =
        |one: &&Value| one["size_bytes"] == size_bytes && one["is_trial"] == submission.is_trial;
    let Some(found) = crate::client::lookup::items(&open).iter().find(same) else {
        return Ok(None);
    };
    let id = found["submission_id"]
        .as_str()
        .context("an upload without its submission")?;
    let upload: Value = api
        .find(&format!("/api/v1/submissions/{id}/upload"))
        .await?;
    Ok(Some((id.to_owned(), Plan::of(&upload, size_bytes)?)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[tokio::test]
    async fn a_file_is_known_by_its_size_and_its_ends() {
        let folder = tempfile::tempdir().unwrap();
        let known = async |content: &[u8]| {
            let path = folder.path().join("file");
            std::fs::write(&path, content).unwrap();
            key(&path, content.len() as u64).await.unwrap()
        };
        let mut content = vec![7; 3 << 20];
        let first = known(&content).await;
        for (place, is_seen) in [(0, true), (3 << 19, false), ((3 << 20) - 1, true)] {
            content[place] = 8;
            assert_eq!(known(&content).await != first, is_seen, "{place}");
            content[place] = 7;
        }
        content.push(7);
        assert_ne!(known(&content).await, first);
        // As the browser makes it of the same file: size in eight bytes, and its content twice.
        let by_hand = Sha256::digest(b"\0\0\0\0\0\0\0\x01aa");
        assert_eq!(known(b"a").await, hex::encode(by_hand));
    }

    #[test]
    fn parts_that_do_not_make_the_file_are_refused() {
        let upload = |part_size_bytes: u64, part_count: u64| {
            json!({"part_size_bytes": part_size_bytes, "part_count": part_count,
                   "present": [{"number": 1, "sha256": "ab", "etag": "x", "size_bytes": 1}]})
        };
        assert_eq!(Plan::of(&upload(10, 2), 11).unwrap().present[&1], "ab");
        for (upload, size) in [
            (upload(10, 2), 21),
            (upload(0, 2), 21),
            (upload(10, 3), 20),
            (json!({}), 1),
        ] {
            assert!(Plan::of(&upload, size).is_err(), "{upload} {size}");
        }
    }
}
