//! The role `worker`: runs containers for the platform.
//!
//! A worker owns nothing. It holds no database and no object store credentials and never sees a
//! reference: for each case it gets pre-signed URLs of the one archive and the one image, and one to
//! put the output. What it may write is decided by the lease token of each case run.
//!
//! claim → load → run → collect → report, a file each.

mod api;
mod case;
mod claim;
mod collect;
mod config;
mod credentials;
mod device;
mod doorbell;
mod fetch;
mod lease;
mod load;
mod report;
mod run;
mod serve;

pub use collect::{Collected, collect};
pub use config::Config;
pub use run::{Slot, open_room, spec};
pub use serve::serve;
