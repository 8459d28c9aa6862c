//! Rows and endpoints of the role together: from evaluations to what callers see.

mod by_case;
mod columns;
mod compared;
mod hidden;
mod ladder;
mod kept;
mod kept_seen;
mod modes;
mod mouths;
mod past;
mod ranks;
mod rescored;
mod spied;
mod unchanged;
pub mod world;
