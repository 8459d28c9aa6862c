//! A case that two entries have, whose it is, and how that looks.

use crate::ink::{BLUE, Paint, Tone, VERMILION};
use crate::quantity::{Better, Quantity};

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

#[derive(Debug, Clone, Copy)]
pub(crate) struct Point<'a> {
    pub case: &'a str,
    pub a: f64,
    pub b: f64,
    pub winner: Winner,
}

impl Point<'_> {
    /// By how much A is better.
    pub fn gap(&self, quantity: &Quantity<'_>) -> f64 {
        match quantity.better {
            Better::Higher => self.a - self.b,
            Better::Lower => self.b - self.a,
        }
    }
}
