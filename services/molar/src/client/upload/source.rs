//! The file, read once: its parts with their hashes, and the hash of the whole.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{SyncSender, sync_channel};

use anyhow::{Context as _, ensure};
use bytes::Bytes;
use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::JoinHandle;

use super::resume::Plan;

/// A part in memory.
#[derive(Debug, Clone)]
pub struct Piece {
    pub number: u32,
    pub bytes: Bytes,
    /// Hex.
    pub sha256: String,
}

/// Reads and hashes ahead by so many parts. Two threads: of the parts, and of the whole.
pub fn read(
    path: &Path,
    plan: &Plan,
    ahead: usize,
) -> (Receiver<anyhow::Result<Piece>>, JoinHandle<[u8; 32]>) {
    let (to_whole, whole) = sync_channel::<Bytes>(1);
    let whole = tokio::task::spawn_blocking(move || {
        let mut hash = Sha256::new();
        for bytes in whole {
            hash.update(&bytes);
        }
        hash.finalize().into()
    });
    let (pieces, read) = channel(ahead);
    let (path, plan) = (path.to_owned(), plan.clone());
    tokio::task::spawn_blocking(move || {
        if let Err(error) = read_all(&path, &plan, &pieces, &to_whole) {
            // Whoever does not listen any more has an error of its own.
            let _ = pieces.blocking_send(Err(error));
        }
    });
    (read, whole)
}

fn read_all(
    path: &PathBuf,
    plan: &Plan,
    pieces: &Sender<anyhow::Result<Piece>>,
    whole: &SyncSender<Bytes>,
) -> anyhow::Result<()> {
    let mut file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    let changed = || format!("{} changed while it was read", path.display());
    let mut left = plan.size_bytes;
    for number in 1..=plan.part_count {
        let size = left.min(plan.part_size_bytes);
        let mut bytes = Vec::with_capacity(usize::try_from(size)?);
        (&mut file).take(size).read_to_end(&mut bytes)?;
        ensure!(bytes.len() as u64 == size, changed());
        left -= size;
        let bytes = Bytes::from(bytes);
        let (is_heard, sha256) = (whole.send(bytes.clone()), Sha256::digest(&bytes));
        let piece = Piece {
            number,
            bytes,
            sha256: hex::encode(sha256),
        };
        if is_heard.is_err() || pieces.blocking_send(Ok(piece)).is_err() {
            return Ok(());
        }
    }
    ensure!(left == 0 && file.read(&mut [0])? == 0, changed());
    Ok(())
}
