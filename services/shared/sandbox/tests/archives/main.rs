//! Archives of every kind, looked into without an engine.

#![expect(clippy::unwrap_used, reason = "tests")]

mod bounds;
#[path = "../common/mod.rs"]
mod common;
mod damaged;
mod facts;
mod hostile;
mod inspected;
mod layers;
mod oci_layouts;
mod runnable;
