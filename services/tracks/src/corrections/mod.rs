//! Corrected references: a new version of a split's set that shares what is not touched. It counts for nothing
//! until all of it was read and found good and an organizer accepted it; what was scored before stays as it is
//! until a re-scoring is published.

pub mod accept;
pub mod create;
pub mod find;
pub mod list;
mod rows;
pub mod stored;
#[cfg(test)]
mod tests;
mod view;

pub use view::CorrectionView;
