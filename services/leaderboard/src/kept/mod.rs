//! Boards for whoever is not signed in, rendered once and kept in memory.
//!
//! A look ([`standing`]) says what a board stands on now, and a kept answer counts only while that is the same. Requests
//! that come while others look share the next look ([`mod@line`]). A look counts for a moment ([`recent`]), in which the
//! same request is answered again before it has found its route ([`again`]); but not for who asks for what is so now.
//! Boards that hide names or values are never kept. Who is signed in is never answered from here: pages have names and
//! tokens in them, rows have marks and links of one's own.

mod again;
mod answer;
mod body;
mod line;
mod recent;
mod respond;
mod shelf;
mod standing;

pub use answer::{Asking, Boards, CSV, JSON, PAGE, STATISTICS, Which};
pub use respond::{is_known, tagged};
