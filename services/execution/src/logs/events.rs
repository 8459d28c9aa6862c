//! `GET /api/v1/case-runs/{id}/log/events`

use std::time::{Duration, Instant};

use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;
use futures_util::stream;
use molar_domain::printable::printable;
use molar_web_kit::{ApiError, Caller, Kit, live};
use tokio::sync::OwnedSemaphorePermit;
use uuid::Uuid;

use super::listeners::{Listener, OF_ONE_USER};
use super::{access, text};
use crate::rows::logs::{self, Log};
use crate::state::State;

const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Proxies end what is silent for long.
const WORD_EVERY: Duration = Duration::from_secs(15);
/// Then the reader comes again, from where it was; whoever has lost the right to read is told so by then.
const LISTEN_MAX: Duration = Duration::from_secs(300);
const PIECE_BYTES: usize = 32 << 10;

/// The log while it is written: server-sent events, each a piece of it as a JSON string.
///
/// An event's id says how far it is: with `Last-Event-ID` a reader goes on from there. `restart` says that the case
/// is run again and its log begins anew, `end` that nothing follows. Control characters are shown as pictures.
#[utoipa::path(get, path = "/api/v1/case-runs/{id}/log/events", tag = "execution", params(("id" = Uuid, Path)),
    responses((status = 200, body = String, content_type = "text/event-stream")))]
#[tracing::instrument(name = "case_runs.follow_log", skip_all, fields(case_run.id = %*id))]
pub async fn events(
    kit: web::Data<Kit>,
    state: web::Data<State>,
    caller: Caller,
    id: web::Path<Uuid>,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    access::see(&kit.db, &caller, *id).await?;
    let too_many = || ApiError::QuotaExceeded {
        detail: format!("you follow {OF_ONE_USER} logs already: close one first"),
        retry_after_s: Some(WORD_EVERY.as_secs()),
    };
    let listener = Listener::try_new(caller.user_id).ok_or_else(too_many)?;
    let full = || ApiError::unavailable("as many logs are followed as this process can serve");
    let permit = state.listeners.clone().try_acquire_owned();
    let last = request.headers().get("last-event-id");
    let follower = Follower {
        kit,
        state,
        id: *id,
        at: last.and_then(|id| Position::parse(id.to_str().ok()?)),
        is_over: false,
        until: Instant::now() + LISTEN_MAX,
        _listener: listener,
        _permit: permit.map_err(|_| full())?,
    };
    let events = stream::unfold(follower, |mut follower| async move {
        match follower.next().await {
            Ok(Some(event)) => Some((Ok(event), follower)),
            Ok(None) => None,
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "a log is not followed any more"
                );
                None
            }
        }
    });
    Ok(live::response(events))
}

/// In the log of one lease: a case that is run again writes another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Position {
    token: Uuid,
    bytes: usize,
}

impl Position {
    fn parse(id: &str) -> Option<Self> {
        let (token, bytes) = id.split_once('.')?;
        Some(Self {
            token: token.parse().ok()?,
            bytes: bytes.parse().ok()?,
        })
    }
}

struct Follower {
    kit: web::Data<Kit>,
    state: web::Data<State>,
    id: Uuid,
    at: Option<Position>,
    is_over: bool,
    until: Instant,
    _listener: Listener,
    _permit: OwnedSemaphorePermit,
}

impl Follower {
    /// None at the end, and when the reader should come again.
    async fn next(&mut self) -> Result<Option<Bytes>, ApiError> {
        let silent_since = Instant::now();
        while !self.is_over && Instant::now() < self.until && !self.state.stop.is_cancelled() {
            let Some(log) = logs::find(&self.kit.db, self.id).await? else {
                return Ok(None);
            };
            if let Some(event) = self.look(&log).await? {
                return Ok(Some(event));
            }
            if silent_since.elapsed() >= WORD_EVERY {
                return Ok(Some(Bytes::from_static(b": nothing new\n\n")));
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => {}
                () = self.state.stop.cancelled() => {}
            }
        }
        Ok(None)
    }

    async fn look(&mut self, log: &Log) -> Result<Option<Bytes>, ApiError> {
        let token = log.token.unwrap_or_default();
        match self.at {
            Some(at) if at.token == token => {}
            // Between two leases there is nothing to read, and nothing to forget yet.
            Some(_) if token.is_nil() => return Ok(self.end(log)),
            before => {
                self.at = Some(Position { token, bytes: 0 });
                if before.is_some_and(|before| !before.token.is_nil() && before.bytes > 0) {
                    return Ok(Some(self.event("restart", "")));
                }
            }
        }
        let from = self.at.map_or(0, |at| at.bytes);
        let bytes = self.read(log, from).await?;
        if !bytes.is_empty() {
            return Ok(Some(self.piece(&bytes)));
        }
        Ok(self.end(log))
    }

    /// Once nothing follows what was read.
    fn end(&mut self, log: &Log) -> Option<Bytes> {
        self.is_over = log.state.is_final();
        self.is_over.then(|| self.event("end", log.state.as_str()))
    }

    /// From here on; of the object of a run that has ended a little more than a piece, so that none is cut within
    /// a character.
    async fn read(&self, log: &Log, from: usize) -> Result<Bytes, ApiError> {
        match &log.key {
            None => {
                let pieces = text::read(&self.kit.db, &self.state.store, log, from).await?;
                Ok(pieces.into())
            }
            Some(key) => text::read_part(&self.state.store, key, from, PIECE_BYTES + 1).await,
        }
    }

    /// As much as goes into one event, cut between two characters.
    fn piece(&mut self, bytes: &[u8]) -> Bytes {
        let most = bytes.len().min(PIECE_BYTES);
        let cut = (most.saturating_sub(3)..=most)
            .rev()
            .find(|&at| bytes.get(at).is_none_or(|byte| byte & 0xc0 != 0x80))
            .unwrap_or(most);
        if let Some(at) = &mut self.at {
            at.bytes += cut;
        }
        self.event("log", &String::from_utf8_lossy(&bytes[..cut]))
    }

    fn event(&self, name: &str, text: &str) -> Bytes {
        // JSON has no line break in it, which would end the event.
        let data = serde_json::Value::from(printable(text));
        let at = self.at.unwrap_or(Position {
            token: Uuid::nil(),
            bytes: 0,
        });
        format!(
            "id: {}.{}\nevent: {name}\ndata: {data}\n\n",
            at.token, at.bytes
        )
        .into()
    }
}
