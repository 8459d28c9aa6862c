//! What finalists are awarded.

mod rows;
pub mod set;
#[cfg(test)]
mod tests;

pub use rows::{AwardView, list, tag};
