//! The `molar` binary's parts: each role behind `molar serve`, `molar up` that runs them all, and the
//! commands of participants and organizers.

#[macro_use]
pub mod client;

pub mod admin;
pub mod archive;
pub mod audit;
pub mod backup;
pub mod cli;
pub mod demo;
pub mod migrate;
pub mod owner;
pub mod pack;
pub mod phantom;
pub mod platform;
pub mod rehearse;
pub mod roles;
pub mod score;
mod seed;
pub mod store;
pub mod up;
