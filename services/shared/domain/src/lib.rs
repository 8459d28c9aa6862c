//! The rules of a challenge, without I/O.
//!
//! State machines, windows, quotas, limits, failure codes and the challenge file. The roles persist
//! these types and drive them; whether a step is legal is decided here and nowhere else.

// The simulation of the examples is a test, too, and names this crate as others do.
#[cfg(test)]
extern crate self as molar_domain;

pub mod attempt;
pub mod board;
pub mod case_run;
pub mod challenge;
pub mod clock;
pub mod consent;
mod device;
pub mod device_class;
pub mod dispatch;
pub mod evaluation;
pub mod failure;
pub mod ids;
pub mod labels;
pub mod limits;
pub mod metric;
pub mod phase;
pub mod place;
pub mod printable;
pub mod quota;
pub mod rescoring;
pub mod retention;
pub mod series;
pub mod spelling;
pub mod submission;
pub mod upload;
pub mod worker_api;

pub use clock::{Clock, MockClock, SystemClock};
pub use failure::{FailureCode, Fault};
pub use ids::*;
