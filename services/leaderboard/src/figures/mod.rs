//! Figures of a board, drawn in the background and read as they are.
//!
//! Drawn at most once a minute and phase, and only when there is a new version of the ranking or another name on it.
//! Whoever sees the board with names and values of that very version sees them; nobody else does.

mod draw;
pub mod file;
pub mod find;
mod inputs;
mod make;
pub mod page;
mod rows;
mod stability;
#[cfg(test)]
mod tests;
mod view;

pub use make::all;
