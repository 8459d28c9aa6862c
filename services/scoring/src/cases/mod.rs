//! One case of an evaluation: leased, measured, written once.

mod decoded;
mod job;
mod measure;
mod rows;
mod task;
#[cfg(test)]
pub mod tests;
mod values;
mod zips;

pub use decoded::Decoded;
pub use job::CaseScores;
pub use task::geometry as geometry_of;
pub use zips::{Fault, Zips, with_member};

use crate::error::Result;

/// The reader for what a track calls its format.
pub fn format_of(word: &str) -> Result<molar_volumes::Format> {
    use molar_domain::challenge::Format;
    Ok(match word.parse()? {
        Format::Labelme => molar_volumes::Format::Labelme,
        Format::Nifti => molar_volumes::Format::Nifti,
    })
}
