pub mod announce;
pub mod download;
mod geometry;
pub mod list;
pub mod manifest;
pub mod remove;
pub mod rows;
pub mod splits;
pub mod stored;
