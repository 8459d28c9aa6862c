//! One case of one submission, looked at: image, reference, prediction and errors.
//!
//! For organizers and reviewers. Pictures are made here because no other role can read a reference, and
//! leave as pixels only.

mod files;
mod page;
mod picture;
mod place;
mod polygons;
mod rows;
mod scene;
mod sources;
mod state;
mod strip;
mod table;
#[cfg(test)]
mod tests;
mod volume;
mod words;

pub use page::page;
pub use picture::{__path_picture, picture};
pub use state::Viewer;
