//! Boards over HTTP. What is hidden is hidden here, for JSON, CSV and pages alike.

pub mod csv;
pub mod find;
pub mod list;
mod view;

pub use view::{Board, Row, see};
