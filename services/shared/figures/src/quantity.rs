//! What is measured.

use crate::number::{drawable, fixed};
use crate::text::clean;

/// Which values one wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Better {
    Higher,
    Lower,
}

/// The name of what is measured, its unit, its direction, and how exactly it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quantity<'a> {
    pub name: &'a str,
    /// None of a share, a score or a rank.
    pub unit: Option<&'a str>,
    pub better: Better,
    /// Digits after the point; at most 6.
    pub decimals: usize,
}

impl<'a> Quantity<'a> {
    /// Without unit, told to three digits.
    pub fn higher_is_better(name: &'a str) -> Self {
        Self {
            name,
            unit: None,
            better: Better::Higher,
            decimals: 3,
        }
    }

    /// Without unit, told to three digits.
    pub fn lower_is_better(name: &'a str) -> Self {
        Self {
            better: Better::Lower,
            ..Self::higher_is_better(name)
        }
    }

    pub fn unit(self, unit: &'a str) -> Self {
        Self {
            unit: Some(unit),
            ..self
        }
    }

    pub fn decimals(self, decimals: usize) -> Self {
        Self { decimals, ..self }
    }

    /// `HD95 (mm), lower is better`
    pub(crate) fn label(&self) -> String {
        let direction = match self.better {
            Better::Higher => "higher is better",
            Better::Lower => "lower is better",
        };
        format!("{}, {direction}", self.heading())
    }

    /// As it stands in a sentence, where values have their unit.
    pub(crate) fn title(&self) -> String {
        clean(self.name)
    }

    /// `HD95 (mm)`
    pub(crate) fn heading(&self) -> String {
        match self.unit {
            Some(unit) => format!("{} ({})", clean(self.name), clean(unit)),
            None => clean(self.name),
        }
    }

    /// `1.25 mm`
    pub(crate) fn told(&self, value: f64) -> String {
        match self.unit {
            Some(unit) => format!("{}\u{a0}{}", self.digits(value), clean(unit)),
            None => self.digits(value),
        }
    }

    pub(crate) fn digits(&self, value: f64) -> String {
        fixed(value, self.decimals.min(6))
    }

    pub(crate) fn digits_or_dash(&self, value: Option<f64>) -> String {
        drawable(value).map_or("–".to_owned(), |value| self.digits(value))
    }

    /// Whether `a` is better than `b`.
    pub(crate) fn is_better(&self, a: f64, b: f64) -> bool {
        match self.better {
            Better::Higher => a > b,
            Better::Lower => a < b,
        }
    }

    /// The best first.
    pub(crate) fn order(&self, a: f64, b: f64) -> std::cmp::Ordering {
        match self.better {
            Better::Higher => b.total_cmp(&a),
            Better::Lower => a.total_cmp(&b),
        }
    }
}
