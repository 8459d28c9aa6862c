//! The job on real rows and a real store.

mod leases;
mod values;
pub mod world;
