//! How one metric ranks the entries: three ways, by the terms of Wiesenfarth et al. 2021, *Methods
//! and open-source toolkit for analyzing and visualizing challenge results*, "Ranking methods".

use rayon::prelude::*;

use crate::aggregate::{Aggregate, aggregate};
use crate::counts::Counts;
use crate::error::Error;
use crate::rank::Direction;
use crate::scores::Scores;
use crate::ties::{Ties, rank_goodness, value};
use crate::versus::{Test, shares};

/// How the cases of a metric become ranks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Scheme {
    /// One number an entry, then ranks. The protocol's, with the mean.
    AggregateThenRank(Aggregate),
    /// Ranks in each case, one number out of these, then ranks again.
    ///
    /// A case that nobody has a value in ranks all alike.
    RankThenAggregate(Aggregate),
    /// The share of the others that an entry is better than, each compared on the cases that both
    /// have, without adjustment for their number; then ranks.
    TestThenRank(Test),
}

impl Default for Scheme {
    fn default() -> Self {
        Self::AggregateThenRank(Aggregate::Mean)
    }
}

/// A metric's verdict: a score and a rank for each entry, in the order of the entries.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// The aggregate in the metric's unit, the aggregated rank, or the share; `None` is missing.
    pub scores: Vec<Option<f64>>,
    /// `None` only where missing values are excluded.
    pub ranks: Vec<Option<f64>>,
}

impl Scheme {
    /// Ranks by one metric; `ties` rules in each case, too, where the scheme ranks those.
    ///
    /// No entry gives no rank. Where nothing sets entries apart (no case, all tied, all missing)
    /// all tie. Fails only if the test's alpha is none.
    pub fn rank(&self, scores: &Scores, ties: Ties) -> Result<Column, Error> {
        self.check()?;
        let goodness = self.goodness(scores, ties, &Counts::once(scores.cases()));
        let mut ranks = vec![0.0; scores.entries()];
        rank_goodness(&goodness, ties, scores.is_excluding(), &mut ranks);
        let direction = match self {
            Self::AggregateThenRank(_) => scores.direction(),
            Self::RankThenAggregate(_) => Direction::LowerIsBetter,
            Self::TestThenRank(_) => Direction::HigherIsBetter,
        };
        Ok(Column {
            scores: goodness
                .into_iter()
                .map(|goodness| value(goodness, direction))
                .collect(),
            ranks: ranks
                .into_iter()
                .map(|rank| (!rank.is_nan()).then_some(rank))
                .collect(),
        })
    }

    pub(crate) fn check(&self) -> Result<(), Error> {
        match self {
            Self::TestThenRank(test) => test.check(),
            Self::AggregateThenRank(_) | Self::RankThenAggregate(_) => Ok(()),
        }
    }

    /// What each draw ranks by, `[draw * entries + entry]`: more is better, NaN is missing. All of a
    /// draw are NaN where no entry has a number, so that the metric is left out.
    pub(crate) fn goodness(&self, scores: &Scores, ties: Ties, counts: &Counts) -> Vec<f64> {
        match self {
            Self::AggregateThenRank(by) => aggregate(*by, scores, counts),
            Self::RankThenAggregate(by) => {
                let ranks = case_ranks(scores, ties);
                let mut goodness = aggregate(*by, &ranks, counts);
                forget_empty_draws(&mut goodness, scores, counts);
                goodness
            }
            Self::TestThenRank(test) => shares(test, scores, counts),
        }
    }
}

/// The rank of each entry in each case, negative, since more is better.
fn case_ranks(scores: &Scores, ties: Ties) -> Scores {
    let (entries, cases) = (scores.entries(), scores.cases());
    let mut goodness = vec![0.0; entries * cases];
    let mut ranks = vec![0.0; entries];
    for case in 0..cases {
        let column: Vec<f64> = (0..entries).map(|entry| scores.row(entry)[case]).collect();
        rank_goodness(&column, ties, scores.is_excluding(), &mut ranks);
        for (entry, rank) in ranks.iter().enumerate() {
            goodness[entry * cases + case] = -rank;
        }
    }
    scores.like(cases, goodness)
}

/// Ranks of cases without any value are no reason to count a metric.
fn forget_empty_draws(goodness: &mut [f64], scores: &Scores, counts: &Counts) {
    let has_value = |case: usize| (0..scores.entries()).any(|e| !scores.row(e)[case].is_nan());
    let has_value: Vec<bool> = (0..scores.cases()).map(has_value).collect();
    if has_value.iter().all(|&has| has) {
        return;
    }
    let draws = goodness.par_chunks_mut(scores.entries().max(1)).enumerate();
    draws.for_each(|(at, goodness)| {
        let mut cases = counts.draw(at).iter().zip(&has_value);
        if !cases.any(|(&count, &has)| has && count > 0) {
            goodness.fill(f64::NAN);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::missing::Missing;
    use Aggregate::{Mean, Median};

    fn all() -> [Scheme; 5] {
        [
            Scheme::AggregateThenRank(Mean),
            Scheme::AggregateThenRank(Median),
            Scheme::RankThenAggregate(Mean),
            Scheme::RankThenAggregate(Median),
            Scheme::TestThenRank(Test::default()),
        ]
    }

    fn ranks(scheme: Scheme, missing: Missing, rows: &[Vec<Option<f64>>]) -> Vec<Option<f64>> {
        let scores = Scores::new(Direction::HigherIsBetter, missing, rows).unwrap();
        scheme.rank(&scores, Ties::Min).unwrap().ranks
    }

    #[test]
    fn the_mean_of_values_and_the_mean_of_ranks_may_disagree() {
        // Best in two cases of three, and lost badly in one.
        let rows = [
            vec![Some(0.9), Some(0.9), Some(0.0)],
            vec![Some(0.8), Some(0.8), Some(0.8)],
        ];
        let by = |scheme: Scheme| ranks(scheme, Missing::Last, &rows);
        assert_eq!(by(Scheme::AggregateThenRank(Mean)), [Some(2.0), Some(1.0)]);
        assert_eq!(
            by(Scheme::AggregateThenRank(Median)),
            [Some(1.0), Some(2.0)]
        );
        assert_eq!(by(Scheme::RankThenAggregate(Mean)), [Some(1.0), Some(2.0)]);
        let scores = Scores::new(Direction::HigherIsBetter, Missing::Last, &rows).unwrap();
        let column = Scheme::RankThenAggregate(Mean)
            .rank(&scores, Ties::Min)
            .unwrap();
        assert_eq!(column.scores, [Some(4.0 / 3.0), Some(5.0 / 3.0)]);
    }

    #[test]
    fn one_entry_is_first_and_none_is_nobody() {
        for scheme in all() {
            assert_eq!(
                ranks(scheme, Missing::Last, &[vec![Some(0.3); 4]]),
                [Some(1.0)]
            );
            assert!(ranks(scheme, Missing::Last, &[]).is_empty());
        }
    }

    #[test]
    fn no_case_all_tied_and_all_missing_tie() {
        for scheme in all() {
            for rows in [
                vec![vec![]; 3],
                vec![vec![Some(0.5); 4]; 3],
                vec![vec![None; 4]; 3],
            ] {
                assert_eq!(
                    ranks(scheme, Missing::Last, &rows),
                    [Some(1.0); 3],
                    "{scheme:?}"
                );
            }
            assert_eq!(
                ranks(scheme, Missing::Excluded, &vec![vec![None; 4]; 3]),
                [None; 3]
            );
        }
    }

    #[test]
    fn who_has_no_value_is_last_or_not_ranked_in_every_scheme() {
        let good = |by: f64| (1..=9).map(|case| Some(f64::from(case) * by)).collect();
        let rows = [vec![None; 9], good(1.0), good(2.0), good(0.5)];
        for scheme in all() {
            let last = ranks(scheme, Missing::Last, &rows);
            assert_eq!(
                last,
                [Some(4.0), Some(2.0), Some(1.0), Some(3.0)],
                "{scheme:?}"
            );
            let excluded = ranks(scheme, Missing::Excluded, &rows);
            assert_eq!(
                excluded,
                [None, Some(2.0), Some(1.0), Some(3.0)],
                "{scheme:?}"
            );
        }
    }

    #[test]
    fn one_case_ranks_by_its_values_unless_it_has_to_be_significant() {
        let rows = [vec![Some(0.1)], vec![Some(0.7)]];
        for scheme in all() {
            let found = ranks(scheme, Missing::Last, &rows);
            match scheme {
                Scheme::TestThenRank(_) => assert_eq!(found, [Some(1.0), Some(1.0)]),
                _ => assert_eq!(found, [Some(2.0), Some(1.0)]),
            }
        }
    }
}
