//! The role `leaderboard`: from finished evaluations to ranked boards.
//!
//! Nothing of another role is copied but into rankings, which are append-only versions: what a board
//! showed at any moment can be read again.

mod archive;
mod aside;
mod audit;
mod audit_head;
mod boards;
mod chosen;
mod compare;
mod digits;
mod entries;
mod error;
mod figures;
mod fold;
mod history;
mod imports;
mod kept;
mod live;
mod moves;
mod openapi;
mod pages;
mod patience;
mod rounds;
mod routes;
mod rows;
mod spread;
mod startup;
mod statistics;
mod teeth;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

pub use archive::{
    Check as ArchiveCheck, Report as ArchiveReport, Unreadable, verify as verify_archive,
};
pub use audit::verify::Verified;
pub use audit_head::Head as AuditHead;
pub use imports::{
    Directions, MOST_BYTES as MOST_TABLE_BYTES, Ranked, Table, TableView, complaint_lines,
    read as read_table,
};
pub use openapi::openapi;
pub use routes::routes;
pub use startup::{Config, serve};
