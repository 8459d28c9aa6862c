//! Pages that follow what they show: server-sent events which say that something has changed, and nothing of it.
//!
//! A role keeps a [`Live`] of what is followed. Whenever there may be something new it looks once at each thing that
//! somebody follows, as each kind of caller sees it, and tells its [`number`]: whoever follows hears of another number
//! only. What a caller may not see moves no number, and so nobody can tell from an event, or from its time, that it
//! moved.

mod bell;
mod followed;
mod places;
mod stream;
pub mod testing;

use std::hash::Hash;

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse};
use bytes::Bytes;
use futures_util::Stream;
use hmac::Mac as _;
use tokio_util::sync::CancellationToken;

pub use bell::ring_on;
pub use followed::Followed;
pub use places::{OF_ONE, PLACES, Place, Places};
pub use stream::Follower;

use crate::rate::Key;
use crate::{ApiError, Caller, Kit};

/// The number of a thing of which there is nothing to see for now.
pub const HIDDEN: u64 = 0;

/// What is followed in this process, by key: what it is, and as whom it is seen.
pub struct Live<K> {
    pub followed: Followed<K>,
    pub places: Places,
    /// Cancelled at the shutdown: nobody is told anything more.
    pub stop: CancellationToken,
}

impl<K: Clone + Eq + Hash> Live<K> {
    pub fn new(stop: CancellationToken) -> Self {
        Self {
            followed: Followed::default(),
            places: Places::default(),
            stop,
        }
    }

    /// A place for who asks, as long as there is one.
    pub fn place(
        &self,
        kit: &Kit,
        request: &HttpRequest,
        caller: Option<&Caller>,
    ) -> Result<Place, ApiError> {
        let address = || Key::address(kit.address_of(request));
        self.places
            .take(caller.map_or_else(address, |caller| Key::User(caller.user_id)))
    }
}

/// Stands for what a caller sees. It is keyed, so that nobody can make the number of what was guessed.
pub fn number(kit: &Kit, seen: &[u8]) -> u64 {
    let mut mac = kit.mac(b"live\0");
    mac.update(seen);
    let digest = mac.finalize().into_bytes();
    let number = digest.iter().take(8);
    let number = number.fold(0, |number, byte| number << 8 | u64::from(*byte));
    number.max(HIDDEN + 1)
}

/// An answer of server-sent events.
pub fn response(
    events: impl Stream<Item = Result<Bytes, std::convert::Infallible>> + 'static,
) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/event-stream; charset=utf-8")
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .streaming(Box::pin(events))
}
