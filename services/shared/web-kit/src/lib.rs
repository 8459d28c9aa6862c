//! What every HTTP process stands on: routes that deny by default, the caller, problem documents,
//! idempotent creates, paging, the frame of the pages and the document of the API.
//!
//! A role lists its paths in [`Routes`] and nowhere else; [`Routes::configure`] brings everything
//! here with it. What a handler returns is a view or an [`ApiError`].

pub mod address;
mod args;
pub mod caller;
mod consent;
mod error;
mod extract;
pub mod idempotency;
mod kit;
pub mod layout;
pub mod links;
pub mod live;
pub mod multipart;
pub mod names;
pub mod openapi;
pub mod page;
pub mod pattern;
pub mod problem;
pub mod rate;
pub mod ready;
pub mod routes;
mod scope;
pub mod testing;
pub mod trace;
pub mod valid;

pub use args::WebArgs;
pub use caller::Caller;
pub use consent::Waiting;
pub use error::ApiError;
pub use idempotency::{Begun, NoKey, Once};
pub use kit::Kit;
pub use page::{Page, PageQuery};
pub use problem::Problem;
pub use routes::{Access, Routes};
pub use scope::Scope;
pub use valid::{Complaint, Complaints};
