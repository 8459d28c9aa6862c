//! Figures of a board, drawn in the background and read as they are.
//!
//! Drawn at most once a minute and phase, once the version's statistics are made, which they show; and when there is another
//! name on it.
//! Whoever sees the board with names and values of that very version sees them; nobody else does.

mod draw;
pub mod file;
pub mod find;
mod inputs;
mod make;
pub mod page;
pub mod picture;
mod rows;
mod studio;
mod svg_file;
#[cfg(test)]
mod tests;
mod view;
mod words;

pub use make::all;
pub use rows::{Drawing, Shown, list};
pub use svg_file::SvgFile;
pub use view::see;
pub use words::{address, quantity};
