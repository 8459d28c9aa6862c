//! Who the finalists of a phase are: named once, from a ranking that stands, by one act.

#[cfg(test)]
mod afterwards;
mod choose;
pub mod find;
pub mod name;
pub mod publish;
pub mod rows;
#[cfg(test)]
pub mod stage;
pub mod strike;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod written;
