//! Teeth and their values.

use std::collections::BTreeMap;

use crate::number::drawable;
use crate::quantity::Quantity;
use crate::tooth::Fdi;

/// A tooth by its number (11–48, 51–85) and its value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tooth {
    pub number: i32,
    pub value: Option<f64>,
}

/// What was said of which tooth.
pub(crate) struct Mouth {
    values: BTreeMap<Fdi, Option<f64>>,
    /// Numbers that are no teeth.
    pub unknown: usize,
}

impl Mouth {
    pub fn of(teeth: &[Tooth]) -> Self {
        let mut mouth = Self {
            values: BTreeMap::new(),
            unknown: 0,
        };
        for tooth in teeth {
            match Fdi::of(tooth.number) {
                Some(fdi) => {
                    mouth.values.insert(fdi, drawable(tooth.value));
                }
                None => mouth.unknown += 1,
            }
        }
        mouth
    }

    pub fn value(&self, tooth: Fdi) -> Option<f64> {
        self.values.get(&tooth).copied().flatten()
    }

    /// The best first.
    pub fn sorted(&self, quantity: &Quantity<'_>) -> Vec<(Fdi, f64)> {
        let measured = self
            .values
            .iter()
            .filter_map(|(tooth, value)| Some((*tooth, (*value)?)));
        let mut teeth: Vec<(Fdi, f64)> = measured.collect();
        teeth.sort_by(|a, b| quantity.order(a.1, b.1));
        teeth
    }

    pub fn has_deciduous(&self) -> bool {
        self.values.keys().any(|tooth| tooth.is_deciduous())
    }

    /// Permanent ones are always drawn.
    pub fn drawn(&self) -> Vec<Fdi> {
        let deciduous = Fdi::all(true).filter(|_| self.has_deciduous());
        Fdi::all(false).chain(deciduous).collect()
    }
}
