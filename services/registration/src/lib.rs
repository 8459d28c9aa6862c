//! Who takes part: users, sessions, tokens, teams, invitations, agreements, participations; and the
//! mail that goes to them.
//!
//! The only role that writes people's rows. Every other role reads who is calling, and where a team
//! stands, from views of this schema.

mod accounts;
mod agreements;
mod announcements;
mod challenges;
mod config;
mod error;
mod faq;
mod host;
mod invitations;
mod keyed;
mod ledger;
mod limiter;
mod links;
mod mails;
mod notices;
mod openapi;
mod pages;
mod participations;
mod passwords;
#[cfg(test)]
mod postbox;
mod questions;
mod requests;
mod routes;
mod sessions;
mod sightings;
mod signs;
mod startup;
mod state;
mod teams;
#[cfg(test)]
mod testing;
mod texts;
mod tokens;

pub use config::{Config, MailVerification};
pub use error::Error;
pub use host::{create_admin, grant_organizer};
pub use openapi::openapi;
pub use routes::routes;
pub use startup::serve;
