//! Re-scoring: a phase measured anew beside what counts, looked at, then published as a whole or dropped.
//!
//! Its evaluations name it, and nobody but the preview sees them until it is published. A case for which scorer,
//! parameters and reference are the same is not measured again: its score is taken over and names the evaluation
//! that measured it.

pub mod compute;
pub mod create;
pub mod discard;
pub mod find;
pub mod list;
pub mod pages;
pub mod publish;
mod round;
mod rows;
#[cfg(test)]
mod tests;
mod view;

pub use round::round;
pub use view::RescoringView;
