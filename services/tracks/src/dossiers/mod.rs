//! What a finalist tells of its method: report, authors, code, data. Filled by the team until it is locked.

mod archive;
pub mod code;
pub mod find;
pub mod keep;
pub mod lock;
mod orcid;
pub mod report;
pub mod rows;
pub mod save;
#[cfg(test)]
mod tests;
