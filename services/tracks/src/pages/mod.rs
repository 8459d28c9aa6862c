pub mod challenge;
pub mod docs;
pub mod home;
pub mod organize;
pub mod problems;
pub mod references;
mod when;
