//! The role `scoring`: the only one that reads references, and the one that measures against them.
//!
//! A reference is read once when it arrives (`references`). A submission that is ready is given an
//! evaluation with a row for each case (`evaluations`); each row is leased, measured and written
//! once (`cases`). Organizers look at what was measured (`viewer`).

mod cases;
mod error;
mod evaluations;
mod exports;
mod fetch;
mod openapi;
mod references;
mod rescorings;
mod routes;
mod slots;
mod startup;
#[cfg(test)]
mod testing;
mod viewer;

pub use openapi::openapi;
pub use routes::routes;
pub use startup::{Config, serve};
