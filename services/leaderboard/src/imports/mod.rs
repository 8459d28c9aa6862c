//! Boards that were published elsewhere as a table, so that past challenges can be shown.
//!
//! What counts of a table are its values: ranks are made of them here, whoever sends it, and those that were published
//! are kept beside and told where they differ. Nothing else of the platform uses an imported board.

mod cells;
mod complaint;
pub mod create;
pub mod csv;
pub mod find;
mod heading;
pub mod list;
pub mod organize;
pub mod page;
mod ranked;
mod read;
pub mod remove;
pub mod rows;
mod table;
#[cfg(test)]
mod tests;
mod view;

pub use complaint::lines as complaint_lines;
pub use ranked::Ranked;
pub use read::read;
pub use table::{Directions, MOST_BYTES, Table};
pub use view::Table as TableView;
