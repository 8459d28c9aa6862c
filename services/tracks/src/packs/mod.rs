//! The pack of a track: the zip that a participant begins with. `molar pack` makes it; its bytes go straight to
//! the store and from it.

pub mod announce;
pub mod download;
pub mod rows;
mod samples;
pub mod stored;
#[cfg(test)]
mod tests;
