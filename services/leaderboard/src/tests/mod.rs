//! Rows and endpoints of the role together: from evaluations to what callers see.

mod columns;
mod hidden;
mod modes;
mod past;
mod ranks;
mod rescored;
mod spied;
mod unchanged;
pub mod world;
