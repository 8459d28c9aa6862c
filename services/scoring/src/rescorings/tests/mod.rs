//! From a corrected reference to what counts.

mod counts;
mod stage;
