//! The values of one metric, per entry and case.

use crate::error::Error;
use crate::missing::Missing;
use crate::rank::Direction;
use crate::ties::goodness;

/// One metric: a row for each entry, a value for each case, and what they mean.
///
/// No entry and no case are allowed. Infinities are values: a mean over one is infinite, over both
/// kinds it is missing.
#[derive(Debug, Clone, PartialEq)]
pub struct Scores {
    direction: Direction,
    missing: Missing,
    entries: usize,
    cases: usize,
    /// By entry; more is better, NaN is missing.
    goodness: Vec<f64>,
}

impl Scores {
    /// `rows[entry][case]`, in the metric's own unit.
    ///
    /// Fails if rows differ in length ([`Error::Ragged`]) or the worst value is NaN.
    pub fn new<R: AsRef<[Option<f64>]>>(
        direction: Direction,
        missing: Missing,
        rows: &[R],
    ) -> Result<Self, Error> {
        if matches!(missing, Missing::Worst(worst) if worst.is_nan()) {
            return Err(Error::Worst);
        }
        let cases = rows.first().map_or(0, |row| row.as_ref().len());
        let mut values = Vec::with_capacity(rows.len() * cases);
        for (entry, row) in rows.iter().map(AsRef::as_ref).enumerate() {
            if row.len() != cases {
                return Err(Error::Ragged {
                    entry,
                    values: row.len(),
                    cases,
                });
            }
            values.extend(row.iter().map(|&value| goodness(value, direction, missing)));
        }
        Ok(Self {
            direction,
            missing,
            entries: rows.len(),
            cases,
            goodness: values,
        })
    }

    /// The scores over other cases, each named by its place, as often as it is named.
    ///
    /// Fails if there is no such case.
    pub fn of_cases(&self, cases: &[usize]) -> Result<Self, Error> {
        if cases.iter().any(|&case| case >= self.cases) {
            return Err(Error::Draw {
                draw: 0,
                cases: self.cases,
            });
        }
        let rows = (0..self.entries).map(|entry| self.row(entry));
        let goodness = rows
            .flat_map(|row| cases.iter().map(|&case| row[case]))
            .collect();
        Ok(self.like(cases.len(), goodness))
    }

    pub fn entries(&self) -> usize {
        self.entries
    }

    pub fn cases(&self) -> usize {
        self.cases
    }

    pub fn direction(&self) -> Direction {
        self.direction
    }

    /// Of one entry: more is better, NaN is missing.
    pub(crate) fn row(&self, entry: usize) -> &[f64] {
        &self.goodness[entry * self.cases..(entry + 1) * self.cases]
    }

    pub(crate) fn is_excluding(&self) -> bool {
        self.missing == Missing::Excluded
    }

    /// Other numbers about the same entries, by entry.
    pub(crate) fn like(&self, cases: usize, goodness: Vec<f64>) -> Self {
        Self {
            cases,
            goodness,
            ..*self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_different_length_and_a_worst_that_is_no_number_are_refused() {
        let rows = [vec![Some(1.0), None], vec![Some(2.0)]];
        let refused = Scores::new(Direction::HigherIsBetter, Missing::Last, &rows).unwrap_err();
        assert_eq!(refused.to_string(), "entry 1 has 1 values for 2 cases");
        let none: [Vec<Option<f64>>; 0] = [];
        let refused = Scores::new(Direction::HigherIsBetter, Missing::Worst(f64::NAN), &none);
        assert_eq!(refused, Err(Error::Worst));
    }

    #[test]
    fn cases_are_taken_as_often_as_they_are_named() {
        let rows = [[Some(1.0), Some(2.0)], [Some(3.0), Some(4.0)]];
        let scores = Scores::new(Direction::LowerIsBetter, Missing::Last, &rows).unwrap();
        let twice = scores.of_cases(&[1, 0, 1]).unwrap();
        assert_eq!(twice.row(1), [-4.0, -3.0, -4.0]);
        assert!(scores.of_cases(&[2]).is_err());
    }
}
