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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_one_number_given_twice_the_later_counts_and_what_is_no_tooth_is_told() {
        let tooth = |number, value| Tooth { number, value };
        let teeth = [
            tooth(11, Some(0.5)),
            tooth(19, Some(0.1)),
            tooth(11, Some(0.9)),
            tooth(48, Some(f64::NAN)),
            tooth(12, Some(0.7)),
        ];
        let mouth = Mouth::of(&teeth);
        let quantity = Quantity::lower_is_better("HD95");
        let sorted: Vec<(u8, f64)> = mouth
            .sorted(&quantity)
            .into_iter()
            .map(|(tooth, value)| (tooth.number(), value))
            .collect();
        assert_eq!(sorted, [(12, 0.7), (11, 0.9)]);
        assert_eq!(mouth.unknown, 1);
        assert_eq!(mouth.drawn().len(), 32);
        assert_eq!(Mouth::of(&[tooth(85, None)]).drawn().len(), 52);
    }
}
