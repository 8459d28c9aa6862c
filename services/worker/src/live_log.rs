//! The log of a public case while it runs, sent on in pieces.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use molar_domain::case_run::CaseRunKind;
use molar_domain::worker_api::{Grant, LIVE_LOG_BYTES, LogPiece};
use molar_sandbox::Event;
use tokio::task::AbortHandle;

use crate::api::{Api, Error};

/// One piece in that time: a container that floods its log costs no more than one that talks.
const SEND_EVERY: Duration = Duration::from_secs(1);
const PIECE_BYTES: usize = 16 << 10;

/// Sends until dropped. The end of the log comes with the report, as the whole.
#[derive(Default)]
pub struct LiveLog {
    unsent: Option<Arc<Mutex<Unsent>>>,
    sending: Option<AbortHandle>,
}

impl Drop for LiveLog {
    fn drop(&mut self) {
        if let Some(sending) = &self.sending {
            sending.abort();
        }
    }
}

impl LiveLog {
    /// Of a hidden case nothing is sent: nobody may read along.
    pub fn start(api: &Api, grant: &Grant) -> Self {
        if grant.kind != CaseRunKind::Canary {
            return Self::default();
        }
        let unsent = Arc::new(Mutex::new(Unsent::new(grant.limits.log_bytes)));
        let sending = tokio::spawn(send(api.clone(), grant.clone(), unsent.clone()));
        Self {
            unsent: Some(unsent),
            sending: Some(sending.abort_handle()),
        }
    }

    pub fn note(&self, event: &Event<'_>) {
        if let (Event::Log(bytes), Some(unsent)) = (event, &self.unsent) {
            lock(unsent).push(bytes);
        }
    }
}

fn lock(unsent: &Mutex<Unsent>) -> std::sync::MutexGuard<'_, Unsent> {
    unsent.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn send(api: Api, grant: Grant, unsent: Arc<Mutex<Unsent>>) {
    let mut position = 0;
    loop {
        tokio::time::sleep(SEND_EVERY).await;
        let (text, taken) = lock(&unsent).peek();
        if text.is_empty() {
            continue;
        }
        let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
        let piece = LogPiece {
            lease_token: grant.lease_token,
            position,
            text,
        };
        match api.log_piece(grant.case_run_id, &piece).await {
            Ok(()) => {
                position += length;
                lock(&unsent).take(taken);
            }
            Err(Error::Away(why)) => tracing::debug!(why, "a piece of the log is sent again"),
            Err(error) => {
                tracing::warn!(%error, "the log is not read along any more");
                return;
            }
        }
    }
}

/// What the container wrote and nobody has yet: at most the start of the log that is kept in any case, so that a
/// reader can go on in the whole from where the pieces end.
struct Unsent {
    bytes: VecDeque<u8>,
    room: usize,
}

impl Unsent {
    fn new(log_bytes: u64) -> Self {
        let kept = usize::try_from(log_bytes / 2).unwrap_or(usize::MAX);
        Self {
            bytes: VecDeque::new(),
            room: kept.min(LIVE_LOG_BYTES),
        }
    }

    fn push(&mut self, bytes: &[u8]) {
        let fits = &bytes[..bytes.len().min(self.room)];
        self.room -= fits.len();
        self.bytes.extend(fits);
    }

    /// The next piece, and how many bytes it is made of. A character that has come in part waits for its rest.
    fn peek(&mut self) -> (String, usize) {
        let bytes = self.bytes.make_contiguous();
        let bytes = &bytes[..bytes.len().min(PIECE_BYTES)];
        let (mut text, mut taken) = (String::new(), 0);
        for chunk in bytes.utf8_chunks() {
            text.push_str(chunk.valid());
            taken += chunk.valid().len();
            let invalid = chunk.invalid();
            let is_cut = taken + invalid.len() == bytes.len()
                && std::str::from_utf8(invalid).is_err_and(|error| error.error_len().is_none());
            if !invalid.is_empty() && !is_cut {
                text.push(char::REPLACEMENT_CHARACTER);
                taken += invalid.len();
            }
        }
        (text, taken)
    }

    fn take(&mut self, bytes: usize) {
        self.bytes.drain(..bytes.min(self.bytes.len()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is sent of a log that comes in these parts.
    fn sent(log_bytes: u64, parts: &[&[u8]]) -> Vec<String> {
        let mut unsent = Unsent::new(log_bytes);
        let mut sent = Vec::new();
        for part in parts {
            unsent.push(part);
            loop {
                let (text, taken) = unsent.peek();
                if text.is_empty() {
                    break;
                }
                unsent.take(taken);
                sent.push(text);
            }
        }
        sent
    }

    #[test]
    fn pieces_are_bounded_each_and_in_all() {
        let flood = vec![b'x'; 3 * LIVE_LOG_BYTES];
        let pieces = sent(1 << 20, &[&flood]);
        assert!(pieces.iter().all(|piece| piece.len() <= PIECE_BYTES));
        assert_eq!(pieces.concat().len(), LIVE_LOG_BYTES);
        // Beyond the half of a small log its middle is left out.
        assert_eq!(sent(100, &[&flood]).concat().len(), 50);
    }

    #[test]
    fn together_they_are_the_start_of_the_log_that_is_kept() {
        let log = "ab\u{1b}Zähne 牙齿\u{0}".as_bytes();
        let odd = [log, b"\xff\xe7\x89x\xe7", log].concat();
        for cut in 0..odd.len() {
            let pieces = sent(1 << 20, &[&odd[..cut], &odd[cut..]]).concat();
            assert_eq!(pieces, String::from_utf8_lossy(&odd), "{cut}");
        }
    }
}
