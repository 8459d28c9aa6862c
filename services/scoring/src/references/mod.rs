//! References as they arrive: read once, so that a bad one is told to the organizer and not to teams.

mod image;
mod read;
mod rows;

pub use read::{Reading, round};
