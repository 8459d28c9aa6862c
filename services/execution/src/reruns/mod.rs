//! A container that is run again because an organizer asks for it: a new attempt, behind everybody's first.

pub mod create;
pub mod page;
mod rows;
#[cfg(test)]
mod tests;
