pub mod create;
pub mod end;
pub mod end_all;
pub mod end_one;
pub mod list;
