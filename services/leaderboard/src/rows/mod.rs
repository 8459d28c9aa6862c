//! The SQL of the tables that this role owns, and of the views it reads.

pub mod candidates;
pub mod disqualified;
pub mod in_work;
pub mod intervals;
pub mod machines;
pub mod means;
pub mod phases;
pub mod rankings;
pub mod reports;
pub mod stamps;
