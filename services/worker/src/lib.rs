//! The role `worker`: runs containers for the platform.
//!
//! A worker owns nothing. It holds no database and no object store credentials and never sees a
//! reference: for each case it gets pre-signed URLs of the image's layers and the one input, and one to
//! put the output. What it may write is decided by the lease token of each case run.
//!
//! claim → load → run → collect → report, a file each; what a canary left is read in between.

mod api;
mod canary;
mod card;
mod case;
mod claim;
mod collect;
mod config;
mod credentials;
mod device;
mod doorbell;
mod fetch;
mod images;
mod lease;
mod live_log;
mod load;
mod report;
mod run;
mod send;
mod series;
mod serve;
mod space;

pub use canary::{Args as ReadPrediction, Reader, read_main as read_prediction_main};
pub use collect::{Collected, collect, judge};
pub use config::Config;
pub use run::{Slot, open_room, spec};
pub use serve::serve;
