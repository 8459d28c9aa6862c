//! Boards for whoever is not signed in, rendered once and kept in memory.
//!
//! A look ([`standing`]) says what a board stands on now, and a kept answer counts only while that is the same. Requests
//! that come while others look share the next look ([`mod@line`]), and a look counts for a moment ([`recent`]), but for
//! who asks for what is so now. Boards that hide names or values are never kept. Who is signed in is never answered from
//! here: pages have names and tokens in them, rows have marks and links of one's own.

mod answer;
mod body;
mod line;
mod recent;
mod respond;
mod shelf;
mod standing;

pub use answer::{Asking, Boards, CSV, JSON, PAGE, STATISTICS, Which};
pub use respond::{is_known, tagged};
