//! Pages of boards, rendered here and readable without JavaScript.

pub mod board;
pub mod heading;
pub mod index;
mod intervals;
pub mod moves;
pub mod numbers;
pub mod report;
