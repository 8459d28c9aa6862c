pub mod challenge;
pub mod docs;
pub mod home;
pub mod problems;
mod when;
