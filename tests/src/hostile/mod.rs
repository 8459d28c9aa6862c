//! Images that mean harm, and such as mean well, and what the sandbox must make of each.
//!
//! A folder of `tests/images/` is one image: `case.toml` says what it is and what must come of it,
//! `predict.sh` is its script. The suite (`tests/hostile/`) judges them all; the proof
//! (`examples/hostile_proof/`) runs each once more without the one thing that holds it.

mod bait;
mod build;
mod case;
mod flaw;
mod slot;
pub mod tag;
mod traces;
mod verdict;

pub use bait::{Bait, FreeSpace};
pub use build::{Built, build};
pub use case::{Case, Limits, Still, Suite, Without, all};
pub use slot::{INPUT, PREDICTION, Slot};
pub use verdict::Verdict;
