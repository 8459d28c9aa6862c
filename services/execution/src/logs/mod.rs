//! What containers wrote, for people.
//!
//! A container that sees a hidden image could write it into its log: so a team reads along on its public canary,
//! and of a hidden case only what an organizer releases, one case at a time. A log is bytes: it is capped, kept
//! and shown, and never parsed.

pub mod access;
pub mod events;
pub mod find;
mod listeners;
pub mod page;
pub mod release;
#[cfg(test)]
mod tests;
mod text;
