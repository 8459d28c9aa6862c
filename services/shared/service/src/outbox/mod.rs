//! Announcements that commit with the rows they speak of.
//!
//! The names are unqualified: the pool's `search_path` is the role's own schema.

mod relay;
mod rows;

pub use relay::{Relay, relay_batch};
pub use rows::{age_of_oldest_s, announce, delete_published_before, enqueue};
