pub mod accept;
pub mod create;
pub mod rows;
