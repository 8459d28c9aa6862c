//! The significance map: who is better than whom.

use crate::error::Error;
use crate::holm::holm;
use crate::scores::Scores;
use crate::versus::{Test, p_values};

/// One-sided tests of all ordered pairs of entries, and what is left of them after Holm.
#[derive(Debug, Clone, PartialEq)]
pub struct Significance {
    entries: usize,
    alpha: f64,
    p: Vec<f64>,
    adjusted: Vec<f64>,
}

/// Tests each of k entries against each other on the cases that both have, and adjusts over all
/// k (k − 1) pairs.
///
/// The test is that of [`wilcoxon`](crate::wilcoxon()). One entry has no pair; pairs without a common case, or
/// without a difference, have p = 1. Fails if alpha does not lie between 0 and 1.
pub fn significance(test: &Test, scores: &Scores) -> Result<Significance, Error> {
    test.check()?;
    let p = p_values(test, scores);
    // The diagonal is NaN, which Holm does not count.
    let adjusted = holm(&p);
    Ok(Significance {
        entries: scores.entries(),
        alpha: test.alpha,
        p,
        adjusted,
    })
}

impl Significance {
    pub fn entries(&self) -> usize {
        self.entries
    }

    /// That `row` is better than `column`, by itself; `None` of an entry and itself.
    pub fn p(&self, row: usize, column: usize) -> Option<f64> {
        self.at(&self.p, row, column)
    }

    /// The same, adjusted.
    pub fn adjusted(&self, row: usize, column: usize) -> Option<f64> {
        self.at(&self.adjusted, row, column)
    }

    /// Whether `row` is better than `column`, all pairs considered.
    pub fn is_better(&self, row: usize, column: usize) -> bool {
        self.adjusted(row, column).is_some_and(|p| p <= self.alpha)
    }

    fn at(&self, p: &[f64], row: usize, column: usize) -> Option<f64> {
        Some(p[row * self.entries + column]).filter(|p| !p.is_nan())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::missing::Missing;
    use crate::rank::Direction;

    fn map(rows: &[Vec<Option<f64>>]) -> Significance {
        let scores = Scores::new(Direction::LowerIsBetter, Missing::Last, rows).unwrap();
        significance(&Test::default(), &scores).unwrap()
    }

    #[test]
    fn one_that_is_always_faster_is_better_and_not_the_other_way() {
        let times = |by: f64| (1..=12).map(|case| Some(f64::from(case) * by)).collect();
        let map = map(&[times(1.0), times(1.3), times(1.0)]);
        assert!(map.is_better(0, 1) && map.is_better(2, 1));
        assert!(!map.is_better(1, 0) && !map.is_better(0, 2));
        assert_eq!(
            (map.p(0, 2), map.adjusted(0, 2), map.p(0, 0)),
            (Some(1.0), Some(1.0), None)
        );
        assert!(map.adjusted(0, 1) > map.p(0, 1));
    }

    #[test]
    fn one_entry_no_case_and_all_missing_make_no_one_better() {
        assert_eq!(map(&[vec![Some(1.0)]]).p(0, 0), None);
        assert_eq!(map(&[]).entries(), 0);
        for rows in [vec![vec![]; 3], vec![vec![None; 9]; 3]] {
            assert_eq!(map(&rows).p(0, 1), Some(1.0));
        }
        let apart = map(&[vec![Some(1.0), None], vec![None, Some(2.0)]]);
        assert_eq!(apart.adjusted(0, 1), Some(1.0));
    }

    #[test]
    fn an_alpha_that_is_no_level_is_refused() {
        let scores = Scores::new(Direction::LowerIsBetter, Missing::Last, &[[Some(1.0)]]).unwrap();
        for alpha in [0.0, 1.0, -0.1, f64::NAN] {
            let test = Test {
                alpha,
                ..Test::default()
            };
            assert_eq!(significance(&test, &scores), Err(Error::Alpha));
        }
    }
}
