//! Boards over HTTP. What is hidden is hidden here, for JSON, CSV, pages and whatever else is made of a ranking:
//! [`sight`] says what a caller may see, [`shown`] takes the rest from the rows.

pub mod csv;
pub mod csv_cells;
mod csv_details;
mod csv_long;
pub mod find;
mod gains;
pub mod list;
pub mod movement;
mod pseudonym;
mod see;
mod shown;
mod sight;
mod view;

pub use see::{Asked, see};
pub use sight::{Sight, is_listed};
pub use view::{Board, Column, Row};
