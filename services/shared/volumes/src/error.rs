use std::io;

use crate::geometry::WrongSize;
use crate::{labelme, nifti};

/// Why a file of labels could not be read.
///
/// All but [`Error::Source`] are the fault of whoever wrote the file: reading it again gives the same.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The bytes could not be had at all. The file may be fine; try again.
    #[error("could not read the file's bytes")]
    Source(#[source] io::Error),
    #[error(transparent)]
    WrongSize(#[from] WrongSize),
    #[error(transparent)]
    Labelme(#[from] labelme::Fault),
    #[error(transparent)]
    Nifti(#[from] nifti::Fault),
    #[error(transparent)]
    Reference(#[from] crate::unfit::Unfit),
}

impl Error {
    /// Whether the file itself is at fault; its message then says what to mend.
    pub fn is_of_the_file(&self) -> bool {
        !matches!(self, Self::Source(_))
    }
}

pub type Result<T, E = Error> = std::result::Result<T, E>;
