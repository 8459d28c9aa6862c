pub mod bulk;
pub mod create;
pub mod decide;
pub mod eligibility;
pub mod list;
pub mod rows;
mod state;
mod view;
pub mod withdraw;

pub use state::{InvalidStep, State, Step};
pub use view::{AnswerView, ParticipationView};
