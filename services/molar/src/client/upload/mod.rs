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
pub async fn complete(
    api: &Api,
    id: &str,
    sha256: &str,
    bar: &ProgressBar,
) -> anyhow::Result<Value> {
    let (path, body) = (
        format!("/api/v1/submissions/{id}/complete"),
        json!({"sha256": sha256}),
    );
    insist(bar, async || api.post(&path, &body).await).await
}

/// All that a server may have us wait because of too many requests, for one question.
const WAITS_MOST_S: u64 = 300;

/// Asks again while nobody answers, and when the server says to wait, as long as that is bearable: the bar says so. Only
/// for what may be asked twice.
pub async fn insist<T>(
    bar: &ProgressBar,
    ask: impl AsyncFn() -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let mut patience = Patience::default();
    loop {
        let error = match ask().await {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        match patience.next(&error) {
            Some(Step::Wait(seconds)) => wait(bar, seconds).await,
            Some(Step::Pause(turn)) => pause(turn).await,
            None => return Err(error),
        }
    }
}

#[derive(Default)]
struct Patience {
    turn: usize,
    waited_s: u64,
}

#[derive(Debug, PartialEq, Eq)]
enum Step {
    /// So many seconds, as the server says.
    Wait(u64),
    /// As long as it takes in that turn.
    Pause(usize),
}

impl Patience {
    /// What to do before the next question; nothing: it is told instead.
    fn next(&mut self, error: &anyhow::Error) -> Option<Step> {
        if let Some(seconds) = wait_s(error) {
            self.waited_s += seconds;
            return (self.waited_s <= WAITS_MOST_S).then_some(Step::Wait(seconds));
        }
        let turn = self.turn;
        self.turn += 1;
        (turn < PAUSES_S.len() && is_passing(error)).then_some(Step::Pause(turn))
    }
}

/// After how long we may ask again, of one that asked too often. A quota that is used up is another matter.
fn wait_s(error: &anyhow::Error) -> Option<u64> {
    let refusal = error.downcast_ref::<Refusal>()?;
    let kind = refusal.problem.get("type").and_then(Value::as_str)?;
    let seconds = refusal.problem.get("retry_after_s").and_then(Value::as_u64);
    let is_too_often = refusal.status == 429 && kind.ends_with("too-many-requests");
    is_too_often.then(|| seconds.unwrap_or(1).max(1))
}

async fn wait(bar: &ProgressBar, seconds: u64) {
    let before = bar.message();
    bar.set_message(format!("waits {seconds} s"));
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    bar.set_message(before);
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

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    fn refusal(status: u16, kind: &str, seconds: u64) -> anyhow::Error {
        let problem = json!({"type": format!("/problems/{kind}"), "retry_after_s": seconds});
        Refusal { status, problem }.into()
    }

    fn too_often(seconds: u64) -> anyhow::Error {
        refusal(429, "too-many-requests", seconds)
    }

    #[test]
    fn a_server_that_says_to_wait_is_waited_for_as_long_as_that_is_bearable() {
        let mut patience = Patience::default();
        assert_eq!(patience.next(&too_often(200)), Some(Step::Wait(200)));
        assert_eq!(patience.next(&too_often(0)), Some(Step::Wait(1)));
        assert_eq!(patience.next(&refusal(503, "x", 9)), Some(Step::Pause(0)));
        assert_eq!(patience.next(&too_often(99)), Some(Step::Wait(99)));
        assert_eq!(patience.next(&too_often(1)), None);
        assert_eq!(Patience::default().next(&too_often(301)), None);
        let spent = refusal(429, "quota-exceeded", 1);
        assert_eq!(Patience::default().next(&spent), None);
    }

    #[tokio::test]
    async fn the_bar_says_that_the_server_is_waited_for() {
        let bar = bytes_bar(1, "uploading", true);
        bar.set_message("uploading");
        let asked = Cell::new(0);
        let answer = insist(&bar, async || {
            asked.set(asked.get() + 1);
            match asked.get() {
                1 => Err(too_often(1)),
                _ => Ok(bar.message()),
            }
        });
        let mut answer = Box::pin(answer);
        assert!(futures_util::poll!(&mut answer).is_pending());
        assert_eq!(bar.message(), "waits 1 s");
        assert_eq!(answer.await.unwrap(), "uploading");
    }
}
