//! The role `submission`: what teams hand in, the checks of it, and the quota it costs.
//!
//! Files go straight to the object store; this role signs the parts, insists on what was declared, and
//! looks into the file in a process of its own ([`check_main`]) before anybody else does.

mod checks;
mod openapi;
mod pages;
mod quota;
mod retention;
mod routes;
mod rows;
mod spare_layers;
mod startup;
mod state;
mod submissions;
mod sweeper;
#[cfg(test)]
mod testing;

pub use checks::check_main;
pub use openapi::openapi;
pub use routes::routes;
pub use startup::{Config, serve};
