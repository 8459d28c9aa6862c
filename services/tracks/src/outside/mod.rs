//! Requests to where others say: never into our own network.
//!
//! A link is followed hop by hop. Of each hop the name is resolved once, every address that it has must be public, and
//! the connection goes to one of those that were looked at: a name that leads elsewhere a moment later changes nothing.

mod address;
mod fetch;
mod network;
#[cfg(test)]
mod tests;

pub use fetch::{Bounds, Refusal, fetch};
pub use network::{Internet, Network};
