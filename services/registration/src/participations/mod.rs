pub mod bulk;
pub mod create;
pub mod decide;
pub mod eligibility;
pub mod list;
pub mod rows;
mod state;
pub mod withdraw;

pub use state::{InvalidStep, State, Step};
