pub mod announce;
pub mod download;
pub mod list;
pub mod manifest;
pub mod rows;
pub mod splits;
pub mod stored;
