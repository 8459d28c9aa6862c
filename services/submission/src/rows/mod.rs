//! The SQL of the role, a file per table or view.

pub mod cases;
pub mod events;
pub mod files;
pub mod images;
pub mod labels;
pub mod ledger;
pub mod life;
pub mod measures;
pub mod phases;
pub mod queue;
pub mod removals;
pub mod submissions;
pub mod uploads;
pub mod workers;
