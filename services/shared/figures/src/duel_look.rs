//! Whose case it is, and how that looks.

use crate::ink::{BLUE, Paint, Tone, VERMILION};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Winner {
    A,
    B,
    Nobody,
}

pub(crate) const A: Paint = Paint::Fixed(BLUE);
pub(crate) const B: Paint = Paint::Fixed(VERMILION);

impl Winner {
    /// Colour and number of the marker.
    pub fn look(self) -> (Paint, usize) {
        match self {
            Self::A => (A, 0),
            Self::B => (B, 1),
            Self::Nobody => (Tone::Grey.into(), 2),
        }
    }
}
