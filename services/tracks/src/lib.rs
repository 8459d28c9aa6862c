//! The role `tracks`: challenges, their tracks, splits and phases, and the cases and references.
//!
//! A challenge is what its file says: `routes` has no other way to make one. Images and references
//! go straight to the object store; this role signs where to, and can itself not read a reference.

mod awards;
mod cases;
mod challenges;
mod config;
mod corrections;
mod dossiers;
mod downloads;
mod error;
mod finals;
mod openapi;
mod outside;
mod packs;
mod pages;
mod phases;
mod routes;
mod startup;
mod state;
#[cfg(test)]
mod testing;

pub use config::Config;
pub use error::Error;
pub use openapi::openapi;
pub use routes::routes;
pub use startup::serve;
