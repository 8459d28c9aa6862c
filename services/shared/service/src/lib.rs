//! What every process of Molar stands on.
//!
//! Configuration, database, outbox and inbox, doorbells, the lease loop, telemetry, health, shutdown and
//! the HTTP listener. Nothing here knows what a role does: [`process::Application`] puts the parts together
//! and a role adds its routes and loops.

pub mod audit;
pub mod bounds;
pub mod consent;
pub mod db;
pub mod doorbell;
pub mod error;
pub mod health;
pub mod http;
pub mod inbox;
pub mod lease;
pub mod lookback;
pub mod outbox;
pub mod periodic;
pub mod process;
pub mod shutdown;
pub mod telemetry;
pub mod trace;

pub use db::{DatabaseArgs, MIGRATOR, Role};
pub use error::{Error, Result};
pub use lookback::{Lookback, Pending};
pub use process::{Application, RoleArgs};
pub use shutdown::Shutdown;
