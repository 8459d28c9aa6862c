//! Ranks of one column of values.

/// Which end of a metric is the good one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    HigherIsBetter,
    LowerIsBetter,
}

impl Direction {
    fn is_better(self, a: f64, b: f64) -> bool {
        match self {
            Self::HigherIsBetter => a > b,
            Self::LowerIsBetter => a < b,
        }
    }
}

/// 1 + the number of entries strictly better, so equal values share the better rank.
///
/// A missing value ranks after every present one, and NaN is a missing value: a score that does not
/// exist must never win. `0.0` and `-0.0` are equal.
pub fn rank(values: &[Option<f64>], direction: Direction) -> Vec<u32> {
    let mut best_first: Vec<f64> = values.iter().copied().filter_map(present).collect();
    best_first.sort_by(|a, b| match direction {
        Direction::HigherIsBetter => b.total_cmp(a),
        Direction::LowerIsBetter => a.total_cmp(b),
    });

    let better_than = |value: f64| best_first.partition_point(|&v| direction.is_better(v, value));
    values
        .iter()
        .map(|&value| present(value).map_or(best_first.len(), better_than) as u32 + 1)
        .collect()
}

/// The value, unless it is missing.
pub(crate) fn present(value: Option<f64>) -> Option<f64> {
    value.filter(|value| !value.is_nan())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use Direction::{HigherIsBetter, LowerIsBetter};

    #[test]
    fn ties_share_the_better_rank_and_leave_a_gap() {
        let values = [0.5, 0.9, 0.5, 0.1].map(Some);
        assert_eq!(rank(&values, HigherIsBetter), [2, 1, 2, 4]);
        assert_eq!(rank(&values, LowerIsBetter), [2, 4, 2, 1]);
    }

    #[test]
    fn missing_ranks_after_every_present_one_in_both_directions() {
        let values = [
            None,
            Some(f64::NEG_INFINITY),
            Some(3.0),
            Some(f64::NAN),
            Some(f64::INFINITY),
        ];
        assert_eq!(rank(&values, HigherIsBetter), [4, 3, 2, 4, 1]);
        assert_eq!(rank(&values, LowerIsBetter), [4, 1, 2, 4, 3]);
    }

    #[test]
    fn the_two_zeros_tie() {
        for direction in [HigherIsBetter, LowerIsBetter] {
            let values = [0.0, -0.0, 1.0, 0.0, -1.0].map(Some);
            let ranks = rank(&values, direction);
            assert_eq!([ranks[0], ranks[1], ranks[3]], [2, 2, 2], "{direction:?}");
        }
    }

    #[test]
    fn nobody_is_ranked_where_nobody_is() {
        assert!(rank(&[], HigherIsBetter).is_empty());
        assert_eq!(rank(&[None, None], LowerIsBetter), [1, 1]);
    }

    fn column() -> impl Strategy<Value = Vec<Option<f64>>> {
        // Few distinct values, so that ties are common.
        prop::collection::vec(prop::option::of((-4i8..4).prop_map(f64::from)), 0..12)
    }

    proptest! {
        #[test]
        fn a_rank_is_one_plus_the_number_strictly_better(values in column()) {
            let ranks = rank(&values, HigherIsBetter);
            for (value, got) in values.iter().zip(&ranks) {
                // None < Some, as Option orders.
                let better = values.iter().filter(|other| *other > value).count();
                prop_assert_eq!(*got as usize, better + 1);
            }
        }

        #[test]
        fn a_monotone_transform_changes_no_rank(values in column()) {
            let raised = values.iter().map(|v| v.map(|v| v.powi(3) * 7.0 + 2.0)).collect::<Vec<_>>();
            let negated = values.iter().map(|v| v.map(|v| -v)).collect::<Vec<_>>();
            let ranks = rank(&values, HigherIsBetter);
            prop_assert_eq!(&rank(&raised, HigherIsBetter), &ranks);
            prop_assert_eq!(&rank(&negated, LowerIsBetter), &ranks);
        }
    }
}
