//! The archive of a finished phase: one ZIP that holds its scores per case and all that was made of them, so that
//! anybody can come to the same ranks and statistics again, without us. What containers used in each case is for
//! organizers: everybody else gets the public edition, and is told what does not follow from it.
//!
//! Nothing in it is of the moment at which it is asked for, so that the same rows give the same bytes. Cases and
//! entries are numbered; it holds no person and no id but that of the phase, from which the draws are seeded.

mod content;
mod crate_metadata;
mod differences;
mod edition;
pub mod find;
mod gather;
mod names;
mod pack;
mod packed;
mod phase;
mod read;
mod readme;
mod recompute;
mod redrawn;
mod report;
mod rows;
mod scores;
mod scores_csv;
#[cfg(test)]
mod tests;
mod verify;

pub use content::Edition;
pub use read::Unreadable;
pub use report::{Check, Report};
pub use verify::verify;
