//! Workers as organizers see and end them.

pub mod drain;
pub mod enrolment_tokens;
pub mod list;
pub mod revoke;
