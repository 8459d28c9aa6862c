pub mod apply;
pub mod find;
pub mod list;
pub mod plan;
pub mod rows;
mod upsert;
