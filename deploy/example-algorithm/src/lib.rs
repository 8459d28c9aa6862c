//! A classical tooth segmentation: threshold, split along the dental arch, number.
//!
//! It is the template for participants and the algorithm of the demo's teams. It learns nothing and
//! knows nothing but rough widths of human teeth.

mod cbct;
mod components;
mod contour;
mod nifti;
mod numbering;
mod opg;
mod params;
mod threshold;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

pub use params::{Params, Split};

#[derive(Debug)]
pub enum Error {
    Argument(String),
    /// The folder does not hold exactly one image of a kind we read.
    NoCase(PathBuf),
    Format(&'static str),
    Image(image::ImageError),
    Io(io::Error),
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Argument(what) => write!(f, "cannot make sense of the argument {what}"),
            Self::NoCase(folder) => {
                write!(
                    f,
                    "expected one .jpg, .png or .nii.gz in {}",
                    folder.display()
                )
            }
            Self::Format(what) => write!(f, "cannot read the volume: {what}"),
            Self::Image(error) => write!(f, "cannot read the image: {error}"),
            Self::Io(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Error {}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<image::ImageError> for Error {
    fn from(error: image::ImageError) -> Self {
        Self::Image(error)
    }
}

enum Kind {
    Opg,
    Cbct,
}

/// Segments the one case in `inputs`; gives the path of the prediction written to `outputs`.
pub fn run(inputs: &Path, outputs: &Path, params: &Params) -> Result<PathBuf, Error> {
    let (path, case, kind) = find_case(inputs)?;
    let (bytes, extension) = match kind {
        Kind::Opg => (opg::segment(&path, &case, params)?, "json"),
        Kind::Cbct => (cbct::segment(&path, params)?, "nii.gz"),
    };
    let output = outputs.join(format!("{case}_Mask.{extension}"));
    fs::write(&output, bytes)?;
    Ok(output)
}

fn find_case(inputs: &Path) -> Result<(PathBuf, String, Kind), Error> {
    let mut found = Vec::new();
    for entry in fs::read_dir(inputs)? {
        let path = entry?.path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if let Some(case) = name.strip_suffix(".nii.gz") {
            found.push((path, case.to_owned(), Kind::Cbct));
        } else if let Some((case, "jpg" | "jpeg" | "png")) = name.rsplit_once('.') {
            found.push((path, case.to_owned(), Kind::Opg));
        }
    }
    match found.pop() {
        Some(case) if found.is_empty() => Ok(case),
        _ => Err(Error::NoCase(inputs.to_owned())),
    }
}
