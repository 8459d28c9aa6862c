//! How sure the ranking of a phase is, made from the scores per case.
//!
//! Made in the background, at most once a minute and phase, and only when there is a new version of the ranking;
//! whoever asks reads what is there. Whatever is in it follows from the scores and the [`seed()`], so that
//! anybody who has the scores comes to the same digits.

mod compute;
mod document;
pub mod find;
mod make;
mod rows;
pub mod scored;
mod seed;
#[cfg(test)]
mod tests;
mod view;

pub use compute::{ALPHA, LEVEL, compute};
pub use document::{Document, Figures, Standing};
pub use make::all;
pub use rows::{Basis, Stored, basis, of};
pub use seed::seed;
pub use view::{Made, see};
