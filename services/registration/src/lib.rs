//! Who takes part: users, sessions, tokens, teams, invitations, agreements, participations.
//!
//! The only role that writes people's rows. Every other role reads who is calling, and where a team
//! stands, from views of this schema.

mod accounts;
mod agreements;
mod challenges;
mod config;
mod error;
mod host;
mod invitations;
mod limiter;
mod openapi;
mod pages;
mod participations;
mod passwords;
mod requests;
mod routes;
mod sessions;
mod startup;
mod state;
mod teams;
#[cfg(test)]
mod testing;
mod tokens;

pub use config::Config;
pub use error::Error;
pub use host::{create_admin, grant_organizer};
pub use openapi::openapi;
pub use routes::routes;
pub use startup::serve;
