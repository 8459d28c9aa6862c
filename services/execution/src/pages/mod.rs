//! Pages of the console that this role renders.

pub mod queue;
#[cfg(test)]
mod written;
