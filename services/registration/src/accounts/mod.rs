pub mod create;
pub mod me;
pub mod rows;
