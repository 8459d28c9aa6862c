//! An attempt's begin and end.

pub mod cancel;
pub mod create;
mod end;

pub use end::{fail, finish_if_complete};
