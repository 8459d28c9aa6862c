//! Requests for a second organizer: read and declined here, made and confirmed where the act is done.

pub mod decline;
pub mod list;
mod rows;

pub use list::RequestView;
