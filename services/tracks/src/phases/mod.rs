#[cfg(test)]
mod after;
pub mod change;
pub mod find;
pub mod pause;
pub mod publish;
pub mod rows;
pub mod view;
