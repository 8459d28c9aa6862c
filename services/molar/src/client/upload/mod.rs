//! Getting a file into the object store: parts, hashes, pre-signed URLs.
//!
//! The file is read once, from its start, part by part. Of each part the hash is told to the server, which
//! signs it into the URL; on the way the hash of the whole is made, and told at the end. What is in memory
//! is some parts, however large the file.

mod limit;
mod put;
mod resume;
mod source;
mod whole;

use std::path::Path;
use std::time::Duration;

use futures_util::{StreamExt as _, TryStreamExt as _, future, stream};
use indicatif::{ProgressBar, ProgressStyle};
use rand::RngExt as _;
use serde_json::{Value, json};

use super::api::{Api, Refusal};
pub use limit::{Limit, parse_rate};
pub use put::Sender;
pub use resume::{Plan, find, key};
pub use whole::{Fingerprint, fingerprint, fingerprint_of, put_file, put_object};

/// Waits between tries, while a server or the line is away: four minutes in all. What arrived is kept longer.
const PAUSES_S: [u64; 10] = [1, 2, 4, 8, 15, 30, 30, 45, 45, 60];

/// Puts what is not there yet, and returns the SHA-256 of the whole file.
pub async fn put_all(
    sender: &Sender<'_>,
    plan: &Plan,
    path: &Path,
    parallel: usize,
) -> anyhow::Result<String> {
    let (pieces, whole) = source::read(path, plan, parallel);
    let pieces = stream::unfold(pieces, |mut pieces| async move {
        Some((pieces.recv().await?, pieces))
    });
    pieces
        .try_filter(|piece| future::ready(!sender.is_present(plan, piece)))
        .boxed()
        .try_ready_chunks(parallel)
        .map_err(|stream::TryReadyChunksError(_, error)| error)
        .map_ok(|batch| sender.sign(batch))
        // The next batch is signed while the last one is still on its way.
        .try_buffered(2)
        .map_ok(|batch| stream::iter(batch.into_iter().map(anyhow::Ok)))
        .try_flatten()
        .map_ok(|(piece, signed)| sender.put(piece, signed))
        .try_buffer_unordered(parallel)
        .try_collect::<()>()
        .await?;
    Ok(hex::encode(whole.await?))
}

/// Tells the server that all parts are there. Returns its answer.
pub async fn complete(api: &Api, id: &str, sha256: &str) -> anyhow::Result<Value> {
    let (path, body) = (
        format!("/api/v1/submissions/{id}/complete"),
        json!({"sha256": sha256}),
    );
    insist(async || api.post(&path, &body).await).await
}

/// Asks again while nobody answers. Only for what may be asked twice.
pub async fn insist<T>(ask: impl AsyncFn() -> anyhow::Result<T>) -> anyhow::Result<T> {
    let mut turn = 0;
    loop {
        match ask().await {
            Err(error) if turn < PAUSES_S.len() && is_passing(&error) => pause(turn).await,
            answer => return answer,
        }
        turn += 1;
    }
}

/// Not all at the same moment, when a server comes back.
async fn pause(turn: usize) {
    let seconds = PAUSES_S[turn.min(PAUSES_S.len() - 1)] as f64;
    let part = rand::rng().random_range(0.5..1.0);
    tokio::time::sleep(Duration::from_secs_f64(seconds * part)).await;
}

fn is_passing(error: &anyhow::Error) -> bool {
    match error.downcast_ref::<Refusal>() {
        Some(refusal) => matches!(refusal.status, 502..=504),
        None => error.chain().any(|cause| cause.is::<reqwest::Error>()),
    }
}

/// A bar of bytes on stderr; nothing is drawn where that is no terminal.
pub fn bytes_bar(size_bytes: u64, message: &str, is_quiet: bool) -> ProgressBar {
    if is_quiet {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template(
        "{msg:12} {bar:40} {bytes:>10}/{total_bytes} {bytes_per_sec} {eta}",
    )
    .unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(size_bytes)
        .with_style(style)
        .with_message(message.to_owned())
}
