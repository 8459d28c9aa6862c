//! One team on a board through all its versions: its rank, and its value by one metric. Read and drawn when somebody looks,
//! since any team may be asked for.
//!
//! Who sees names and every digit of values on the board sees this, of no version after the one that the board shows; a
//! Ladder, which hides small steps, shows it to nobody but organizers and reviewers.

mod choice;
mod draw;
pub mod file;
pub mod find;
pub mod links;
pub mod page;
pub mod picture;
mod rows;
mod see;
mod steps;
