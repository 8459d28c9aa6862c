//! Evaluations: made when a submission is ready, ended with their last case.

mod access;
pub mod cases;
mod create;
mod end;
pub mod frame;
pub mod list;
mod reconcile;

pub use create::Looks;
pub use end::{finish_if_done, lock};
pub use reconcile::{Reconciler, round};
