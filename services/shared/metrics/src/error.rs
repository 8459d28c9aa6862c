use std::fmt;

use crate::MAX_LABELS;

/// Which of the two that are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Reference,
    Prediction,
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Reference => "reference",
            Self::Prediction => "prediction",
        })
    }
}

/// Why there are no scores.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("the prediction's grid {prediction:?} is not the reference's {reference:?}")]
    GridMismatch {
        reference: [usize; 3],
        prediction: [usize; 3],
    },

    /// The instance metrics are means over the reference's labels; without one they do not exist.
    #[error("the reference has no label")]
    EmptyReference,

    /// A label that no prediction can match.
    #[error("label {label} of the reference has no voxel")]
    EmptyReferenceLabel { label: String },

    /// The prediction was reduced against another reference, see
    /// [`Segmentation::from_labels_against`](crate::Segmentation::from_labels_against); or against
    /// this one, and instances are to be matched whatever their label.
    #[error("the mask of label {label} was not kept in the prediction")]
    MaskNotKept { label: String },

    #[error("more than {MAX_LABELS} different labels")]
    TooManyLabels,

    /// Noise rather than objects: cropping it would take many times the volume's memory.
    #[error("the bounding boxes of the labels are together more than {limit} times the volume")]
    Scattered { limit: usize },

    /// Dust rather than objects: listing its elements would take many times the masks' memory.
    #[error("a surface of the {side} has more than {limit} elements")]
    Rough { side: Side, limit: u64 },
    #[error("there are {found} planes, not {expected}")]
    Planes { expected: usize, found: usize },

    #[error("a mask reaches outside the grid {grid:?}")]
    OutsideGrid { grid: [usize; 3] },

    #[error("there is no metric {name:?}")]
    UnknownMetric { name: String },

    #[error("a spacing of {mm} mm: it must be from 1e-6 to 1e6")]
    Spacing { mm: String },

    #[error("a tolerance of {mm} mm: it must be finite and not negative")]
    Tolerance { mm: String },

    #[error("{name:?} is no name of a group: letters, digits, - and _ only")]
    GroupName { name: String },

    /// A measure is asked for a group that the caller did not define.
    #[error("there is no group {name:?}")]
    UnknownGroup { name: String },
}
