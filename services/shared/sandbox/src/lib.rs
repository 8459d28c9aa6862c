//! Runs what a team sent, over the Docker Engine, and trusts none of it.
//!
//! [`image`] looks into an archive without running it and loads it by digest; [`Engine::run`] runs one
//! case within the limits of a [`Spec`] and measures it, its writes in a [`Room`] as large as its
//! budget; [`collect`] takes the one output file; [`Engine::reap`] and [`clear`] remove what a worker
//! that died left behind. Nothing here knows of leases, URLs or scores.

mod ceilings;
mod cgroup;
pub mod collect;
mod disk;
mod engine;
mod error;
mod gpu;
pub mod image;
mod in_hand;
mod isolation;
mod logs;
mod outcome;
mod reaper;
mod room;
mod root;
mod run;
mod sample;
mod spec;
mod written;

pub use disk::short_of_space;
pub use engine::{Engine, Info};
pub use error::Error;
pub use gpu::{
    Gpu, GpuDevice, GpuError, Inventory, Origin, Recorded, Recording, RecordingError, Unsettled,
};
pub use logs::Log;
pub use outcome::{Finished, Outcome};
pub use room::{Room, clear};
pub use run::Event;
pub use sample::{Sample, Usage};
pub use spec::{FREE_BYTES, Labels, Spec, host_config};
