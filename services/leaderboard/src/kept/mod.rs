//! Boards for whoever is not signed in, rendered once and kept in memory.
//!
//! Nothing is told from memory that was not looked at after the request came: one look ([`standing`]) says what the
//! board stands on now, and a kept answer counts only while that is the same. Requests that come while others look
//! share the next look ([`mod@line`]). Boards that hide names or values are never kept. Who is signed in is never answered from here: pages have names and tokens in them,
//! rows have marks and links of one's own.

mod answer;
mod body;
mod line;
mod respond;
mod shelf;
mod standing;

pub use answer::{Asking, Boards, CSV, JSON, PAGE, Which};
pub use respond::{is_known, tagged};
