//! Rows and endpoints of the role together: from evaluations to what callers see.

mod by_case;
mod columns;
mod compared;
mod digits;
mod following;
mod heard;
mod held;
mod hidden;
mod history;
mod intervals;
mod kept;
mod kept_seen;
mod ladder;
mod live;
mod long;
mod modes;
mod mouths;
mod past;
mod ranks;
mod rescored;
mod spied;
mod tables;
mod unchanged;
mod unheard;
pub mod world;
mod written;
