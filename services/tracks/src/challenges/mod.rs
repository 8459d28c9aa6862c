pub mod apply;
pub mod changes;
pub mod complaints;
pub mod find;
pub mod history;
pub mod list;
pub mod plan;
pub mod rows;
mod upsert;
