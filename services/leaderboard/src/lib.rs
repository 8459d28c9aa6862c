//! The role `leaderboard`: from finished evaluations to ranked boards.
//!
//! Nothing of another role is copied but into rankings, which are append-only versions: what a board
//! showed at any moment can be read again.

mod audit;
mod audit_head;
mod boards;
mod entries;
mod error;
mod figures;
mod fold;
mod live;
mod moves;
mod openapi;
mod pages;
mod routes;
mod rows;
mod spread;
mod startup;
mod statistics;
#[cfg(test)]
mod tests;

pub use audit::verify::Verified;
pub use audit_head::Head as AuditHead;
pub use openapi::openapi;
pub use routes::routes;
pub use startup::{Config, serve};
