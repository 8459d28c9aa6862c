//! The role `execution`: attempts at containers, who runs what, and the worker API.
//!
//! An accepted container gets an attempt with a case run for each case. The dispatcher releases case runs in
//! turns of the teams; a worker claims a released one over the worker API and holds it by a lease whose
//! token is the fence for everything it writes. The rows are the truth: queues of workers carry hints.

mod attempts;
mod dispatch;
mod doorbell;
mod enrolment;
mod error;
mod lease;
mod logs;
mod openapi;
mod pages;
mod places;
mod queue;
mod reruns;
mod retention;
mod routes;
mod rows;
mod series;
mod startup;
mod state;
mod sweep;
#[cfg(test)]
mod testing;
mod worker_api;
mod workers;

pub use enrolment::create_enrolment_token;
pub use error::{Error, Result};
pub use lease::LeaseArgs;
pub use openapi::openapi;
pub use routes::{routes, worker_routes};
pub use startup::{Config, serve};
