use std::fmt;

use serde::{Deserialize, Serialize};

/// How labels are written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Polygons over an image, as JSON.
    Labelme,
    /// A value for each voxel, as `.nii.gz`.
    Nifti,
}

impl Format {
    /// What follows the case's name in the name of a prediction.
    pub fn suffix(self) -> &'static str {
        match self {
            Self::Labelme => "_Mask.json",
            Self::Nifti => "_Mask.nii.gz",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Labelme => "labelme JSON",
            Self::Nifti => "NIfTI (.nii.gz)",
        })
    }
}

/// The one file name under which a prediction for `case` is looked for.
pub fn prediction_name(case: &str, format: Format) -> String {
    format!("{case}{}", format.suffix())
}

/// The case that a prediction's file name belongs to; `None` for any other name.
pub fn case_of(name: &str, format: Format) -> Option<&str> {
    name.strip_suffix(format.suffix())
        .filter(|case| !case.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prediction_is_named_after_its_case() {
        let case = "Validation_0001";
        assert_eq!(
            prediction_name(case, Format::Labelme),
            "Validation_0001_Mask.json"
        );
        assert_eq!(
            prediction_name(case, Format::Nifti),
            "Validation_0001_Mask.nii.gz"
        );
        assert_eq!(
            case_of("Validation_0001_Mask.json", Format::Labelme),
            Some(case)
        );
        assert_eq!(
            case_of("Validation_0001_Mask.nii.gz", Format::Labelme),
            None
        );
        assert_eq!(case_of("_Mask.json", Format::Labelme), None);
    }
}
