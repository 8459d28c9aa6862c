//! What organizers take out of a phase in bulk: outputs of its containers, and every score.

pub mod outputs;
mod rows;
pub mod scores;
#[cfg(test)]
mod tests;
