//! Who moves and why, if a re-scoring is published: the board twice, by what counts and by what was measured
//! beside it.

pub mod find;
mod rows;
mod view;

pub use view::{Move, Moves, see};
