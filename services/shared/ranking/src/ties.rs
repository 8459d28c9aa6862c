//! Ranks of one column when ties may be told in other ways than by the better rank.

use crate::missing::Missing;
use crate::rank::Direction;

/// The rank that equal values share. Of 0.9, 0.5, 0.5, 0.1, higher being better:
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Ties {
    /// 1 + the number strictly better: 1, 2, 2, 4. The protocol's.
    #[default]
    Min,
    /// The number at least as good: 1, 3, 3, 4.
    Max,
    /// The mean of the two: 1, 2.5, 2.5, 4.
    Average,
    /// 1 + the number of distinct better values: 1, 2, 2, 3.
    Dense,
}

impl Ties {
    /// The rank of the entries at the places `first..past` (from 0), of the `group`th distinct
    /// value (from 0).
    fn rank(self, first: usize, past: usize, group: usize) -> f64 {
        match self {
            Self::Min => (first + 1) as f64,
            Self::Max => past as f64,
            Self::Average => (first + 1 + past) as f64 / 2.0,
            Self::Dense => (group + 1) as f64,
        }
    }
}

/// The rank of each value, in the order given; `None` for a missing value that is excluded.
///
/// All values that are missing tie. Infinities are values like any other, `0.0` and `-0.0` are
/// equal; no values give no ranks. The definitions of the four are those of SciPy's `rankdata`.
pub fn rank_with(
    values: &[Option<f64>],
    direction: Direction,
    ties: Ties,
    missing: Missing,
) -> Vec<Option<f64>> {
    let goodness: Vec<_> = values
        .iter()
        .map(|&value| goodness(value, direction, missing))
        .collect();
    let mut ranks = vec![0.0; values.len()];
    rank_goodness(&goodness, ties, missing == Missing::Excluded, &mut ranks);
    ranks
        .into_iter()
        .map(|rank| (!rank.is_nan()).then_some(rank))
        .collect()
}

/// A value such that more is better, NaN where it is missing. Turning it round changes nothing else.
pub(crate) fn goodness(value: Option<f64>, direction: Direction, missing: Missing) -> f64 {
    let present = value.filter(|value| !value.is_nan());
    let value = match (present, missing) {
        (Some(value), _) | (None, Missing::Worst(value)) => value,
        (None, Missing::Last | Missing::Excluded) => f64::NAN,
    };
    match direction {
        Direction::HigherIsBetter => value,
        Direction::LowerIsBetter => -value,
    }
}

/// The way back from [`goodness`], without a negative zero.
pub(crate) fn value(goodness: f64, direction: Direction) -> Option<f64> {
    let value = match direction {
        Direction::HigherIsBetter => goodness,
        Direction::LowerIsBetter => -goodness,
    };
    (!value.is_nan()).then_some(value + 0.0)
}

/// NaN is missing: the worst, or without a rank (NaN) where it is excluded.
pub(crate) fn rank_goodness(goodness: &[f64], ties: Ties, is_excluded: bool, ranks: &mut [f64]) {
    let mut best_first: Vec<(f64, u32)> = Vec::with_capacity(goodness.len());
    let present = goodness
        .iter()
        .zip(0..)
        .filter(|(value, _)| !value.is_nan());
    best_first.extend(present.map(|(&value, at)| (value, at)));
    // Places within a group are not looked at, so the sort need not be stable.
    best_first
        .sort_unstable_by(|(a, _), (b, _)| b.partial_cmp(a).unwrap_or(std::cmp::Ordering::Equal));

    let mut first = 0;
    let mut group = 0;
    while first < best_first.len() {
        let value = best_first[first].0;
        let same = best_first[first..]
            .iter()
            .take_while(|(other, _)| *other == value);
        let past = first + same.count();
        let rank = ties.rank(first, past, group);
        for &(_, at) in &best_first[first..past] {
            ranks[at as usize] = rank;
        }
        (first, group) = (past, group + 1);
    }
    let last = if is_excluded {
        f64::NAN
    } else {
        ties.rank(first, goodness.len(), group)
    };
    for (rank, _) in ranks
        .iter_mut()
        .zip(goodness)
        .filter(|(_, value)| value.is_nan())
    {
        *rank = last;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::rank::rank;
    use Direction::{HigherIsBetter, LowerIsBetter};

    const ALL: [Ties; 4] = [Ties::Min, Ties::Max, Ties::Average, Ties::Dense];

    fn ranks(values: &[Option<f64>], ties: Ties, missing: Missing) -> Vec<f64> {
        let ranks = rank_with(values, HigherIsBetter, ties, missing);
        ranks.into_iter().map(|rank| rank.unwrap_or(-1.0)).collect()
    }

    #[test]
    fn missing_values_tie_last_count_as_the_worst_or_have_no_rank() {
        let values = [
            None,
            Some(0.5),
            Some(f64::NAN),
            Some(0.9),
            Some(0.5),
            Some(0.0),
        ];
        let by = |missing| ALL.map(|ties| ranks(&values, ties, missing));
        assert_eq!(
            by(Missing::Last),
            [
                [5.0, 2.0, 5.0, 1.0, 2.0, 4.0],
                [6.0, 3.0, 6.0, 1.0, 3.0, 4.0],
                [5.5, 2.5, 5.5, 1.0, 2.5, 4.0],
                [4.0, 2.0, 4.0, 1.0, 2.0, 3.0],
            ]
        );
        assert_eq!(
            by(Missing::Worst(0.0)),
            [
                [4.0, 2.0, 4.0, 1.0, 2.0, 4.0],
                [6.0, 3.0, 6.0, 1.0, 3.0, 6.0],
                [5.0, 2.5, 5.0, 1.0, 2.5, 5.0],
                [3.0, 2.0, 3.0, 1.0, 2.0, 3.0],
            ]
        );
        assert_eq!(
            ranks(&values, Ties::Max, Missing::Excluded),
            [-1.0, 3.0, -1.0, 1.0, 3.0, 4.0]
        );
    }

    #[test]
    fn infinities_are_values_and_nothing_is_ranked_where_nothing_is() {
        let values = [
            Some(f64::NEG_INFINITY),
            None,
            Some(f64::INFINITY),
            Some(1.0),
        ];
        assert_eq!(
            ranks(&values, Ties::Min, Missing::Last),
            [3.0, 4.0, 1.0, 2.0]
        );
        for ties in ALL {
            assert!(ranks(&[], ties, Missing::Last).is_empty());
            assert_eq!(ranks(&[None], ties, Missing::Last), [1.0]);
            assert_eq!(ranks(&[None], ties, Missing::Excluded), [-1.0]);
        }
    }

    fn column() -> impl Strategy<Value = Vec<Option<f64>>> {
        prop::collection::vec(prop::option::of((-4i8..4).prop_map(f64::from)), 0..12)
    }

    proptest! {
        #[test]
        fn min_and_last_are_the_ranks_of_the_board(values in column(), is_higher in any::<bool>()) {
            let direction = if is_higher { HigherIsBetter } else { LowerIsBetter };
            let board: Vec<_> = rank(&values, direction).iter().map(|&rank| Some(f64::from(rank))).collect();
            prop_assert_eq!(rank_with(&values, direction, Ties::Min, Missing::Last), board);
        }

        #[test]
        fn the_average_lies_midway_and_keeps_the_sum(values in column()) {
            let [min, max, average, _] = ALL.map(|ties| ranks(&values, ties, Missing::Last));
            for (average, (min, max)) in average.iter().zip(min.iter().zip(&max)) {
                prop_assert_eq!(*average, (min + max) / 2.0);
            }
            let n = values.len() as f64;
            prop_assert_eq!(average.iter().sum::<f64>(), n * (n + 1.0) / 2.0);
        }

        #[test]
        fn excluded_values_change_no_other_rank(values in column()) {
            let present: Vec<_> = values.iter().copied().filter(Option::is_some).collect();
            for ties in ALL {
                let all = rank_with(&values, HigherIsBetter, ties, Missing::Excluded);
                let kept: Vec<_> = all.into_iter().filter(Option::is_some).collect();
                prop_assert_eq!(kept, rank_with(&present, HigherIsBetter, ties, Missing::Excluded));
            }
        }
    }
}
