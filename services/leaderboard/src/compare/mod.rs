//! Two entries of a board, case by case: read and drawn when somebody looks, since any two may be asked for.
//!
//! Who sees names and every digit of values on the board sees this, of the very version that the board shows; a Ladder,
//! which hides small steps, shows it to nobody but organizers and reviewers. Hidden cases have numbers, not names.

mod choice;
mod draw;
mod matched;
pub mod page;
mod rows;
