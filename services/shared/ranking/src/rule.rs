//! A whole ranking rule, and a ranking by it.

use crate::combine::{Columns, Combine};
use crate::counts::Counts;
use crate::error::Error;
use crate::scheme::{Column, Scheme};
use crate::scores::Scores;
use crate::ties::Ties;

/// How entries are ranked by several metrics. The default is the protocol's: the mean of the ranks
/// by the mean of each metric, ties sharing the better rank.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Rule {
    pub scheme: Scheme,
    pub combine: Combine,
    /// In each metric and in the end.
    pub ties: Ties,
}

/// Entries ranked by a [`Rule`]; everything in the order of the entries.
#[derive(Debug, Clone, PartialEq)]
pub struct Ranking {
    /// One for each metric; `None` if no entry has it, so that it counts in nothing.
    pub columns: Vec<Option<Column>>,
    /// The (weighted) mean rank; `None` for who is not ranked, and for all by a lexicographic rule.
    pub scores: Vec<Option<f64>>,
    /// The final rank; `None` for an entry without a rank by any metric that counts.
    pub ranks: Vec<Option<f64>>,
}

impl Rule {
    /// Ranks entries by metrics: `metrics[m]` has a row for each entry and the same cases.
    ///
    /// Where no metric that counts has any value, nothing sets the entries apart: all tie, with
    /// score 1, as in [`rank_table`](crate::rank_table); but nobody is ranked if they all exclude
    /// missing values. No entry gives an empty ranking. Fails if there is no metric, if metrics
    /// differ in shape, or if the rule does not fit them.
    pub fn rank(&self, metrics: &[Scores]) -> Result<Ranking, Error> {
        let (entries, cases) = self.check(metrics)?;
        let columns = metrics.iter().map(|scores| {
            let column = self.scheme.rank(scores, self.ties)?;
            let has_any = self.has_any(scores, &column, &Counts::once(cases));
            Ok(has_any.then_some(column))
        });
        let columns = columns.collect::<Result<Vec<_>, Error>>()?;

        let plain = |column: &Column| {
            column
                .ranks
                .iter()
                .map(|rank| rank.unwrap_or(f64::NAN))
                .collect()
        };
        let ranks: Vec<Option<Vec<f64>>> = columns.iter().map(|c| c.as_ref().map(plain)).collect();
        let ranks: Vec<Option<&[f64]>> = ranks.iter().map(Option::as_deref).collect();
        let mut finals = vec![0.0; entries];
        let scores = self.combined(metrics, &ranks, &mut finals);
        let some = |number: f64| (!number.is_nan()).then_some(number);
        Ok(Ranking {
            columns,
            scores: scores.map_or(vec![None; entries], |s| s.into_iter().map(some).collect()),
            ranks: finals.into_iter().map(some).collect(),
        })
    }

    fn has_any(&self, scores: &Scores, column: &Column, counts: &Counts) -> bool {
        match self.scheme {
            // Its score is a rank, which entries without a value have, too.
            Scheme::RankThenAggregate(_) => {
                let goodness = self.scheme.goodness(scores, self.ties, counts);
                goodness.iter().any(|goodness| !goodness.is_nan())
            }
            _ => column.scores.iter().any(Option::is_some),
        }
    }

    /// The number of entries and of cases.
    pub(crate) fn check(&self, metrics: &[Scores]) -> Result<(usize, usize), Error> {
        let first = metrics.first().ok_or(Error::NoMetric)?;
        let shape = |scores: &Scores| (scores.entries(), scores.cases());
        if let Some(metric) = metrics
            .iter()
            .position(|scores| shape(scores) != shape(first))
        {
            let (entries, cases) = shape(&metrics[metric]);
            return Err(Error::Shape {
                metric,
                entries,
                cases,
            });
        }
        self.scheme.check()?;
        self.combine.check(metrics.len())?;
        Ok(shape(first))
    }

    /// Writes the final ranks, NaN for none, and returns the scores.
    pub(crate) fn combined(
        &self,
        metrics: &[Scores],
        columns: &Columns<'_>,
        finals: &mut [f64],
    ) -> Option<Vec<f64>> {
        let counted = || (0..metrics.len()).filter(|&metric| self.combine.counts(metric));
        let is_empty = counted().all(|metric| columns[metric].is_none());
        if is_empty && !counted().all(|metric| metrics[metric].is_excluding()) {
            // One value for all, so that they tie as the rule says.
            let same = vec![1.0; finals.len()];
            Combine::MeanOfRanks.ranks(&[], Some(&same), self.ties, finals);
            return (!matches!(self.combine, Combine::Lexicographic(_))).then_some(same);
        }
        let scores = self.combine.scores(columns, finals.len());
        self.combine
            .ranks(columns, scores.as_deref(), self.ties, finals);
        scores
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::missing::Missing;
    use crate::rank::Direction;

    /// One case; a row for each entry, a value for each metric.
    fn metrics(missing: Missing, entries: &[[Option<f64>; 3]]) -> Vec<Scores> {
        let of = |metric: usize| {
            let rows: Vec<_> = entries.iter().map(|values| [values[metric]]).collect();
            Scores::new(Direction::HigherIsBetter, missing, &rows).unwrap()
        };
        (0..3).map(of).collect()
    }

    fn ranks(combine: Combine, entries: &[[Option<f64>; 3]]) -> Vec<Option<f64>> {
        let rule = Rule {
            combine,
            ..Rule::default()
        };
        rule.rank(&metrics(Missing::Last, entries)).unwrap().ranks
    }

    fn some<const N: usize>(ranks: [u8; N]) -> Vec<Option<f64>> {
        ranks
            .map(|rank| (rank > 0).then_some(f64::from(rank)))
            .to_vec()
    }

    #[test]
    fn three_ways_to_combine_the_same_ranks() {
        // By metric: 1 1 3, 1 3 1, 3 2 2.
        let entries = [
            [Some(0.9), Some(0.9), Some(0.1)],
            [Some(0.9), Some(0.1), Some(0.9)],
            [Some(0.1), Some(0.5), Some(0.5)],
        ];
        assert_eq!(ranks(Combine::MeanOfRanks, &entries), some([1, 1, 3]));
        assert_eq!(
            ranks(Combine::Weighted(vec![0.0, 0.1, 0.3]), &entries),
            some([3, 1, 2])
        );
        assert_eq!(
            ranks(Combine::Lexicographic(vec![0]), &entries),
            some([1, 1, 3])
        );
        assert_eq!(
            ranks(Combine::Lexicographic(vec![0, 2]), &entries),
            some([2, 1, 3])
        );
        assert_eq!(
            ranks(Combine::Lexicographic(vec![1, 0]), &entries),
            some([1, 3, 2])
        );
    }

    #[test]
    fn weights_that_do_not_add_up_in_binary_still_tie() {
        // 0.1 · (1 + 2 + 3) in three orders.
        let entries = [
            [Some(3.0), Some(2.0), Some(1.0)],
            [Some(2.0), Some(1.0), Some(3.0)],
            [Some(1.0), Some(3.0), Some(2.0)],
        ];
        assert_eq!(
            ranks(Combine::Weighted(vec![0.1; 3]), &entries),
            some([1, 1, 1])
        );
    }

    #[test]
    fn a_metric_that_some_have_ranks_the_others_last_or_leaves_them_out_of_it() {
        let entries = [
            [Some(0.9), Some(0.9), None],
            [Some(0.5), None, None],
            [None, None, None],
        ];
        let by = |missing| Rule::default().rank(&metrics(missing, &entries)).unwrap();
        let last = by(Missing::Last);
        assert_eq!(last.scores, [Some(1.0), Some(2.0), Some(2.5)]);
        assert_eq!(last.ranks, some([1, 2, 3]));
        assert!(last.columns[2].is_none(), "nobody has it");
        let excluded = by(Missing::Excluded);
        assert_eq!(excluded.scores, [Some(1.0), Some(2.0), None]);
        assert_eq!(excluded.ranks, some([1, 2, 0]));
        let lexicographic = Rule {
            combine: Combine::Lexicographic(vec![1, 0]),
            ..Rule::default()
        };
        let found = lexicographic
            .rank(&metrics(Missing::Excluded, &entries))
            .unwrap();
        assert_eq!(
            (found.ranks, found.scores),
            (some([1, 2, 0]), vec![None; 3])
        );
    }

    #[test]
    fn without_any_value_all_tie_unless_missing_ones_are_excluded() {
        let combines = [
            Combine::MeanOfRanks,
            Combine::Weighted(vec![1.0, 2.0, 0.0]),
            Combine::Lexicographic(vec![2, 1]),
        ];
        for combine in combines {
            let rule = Rule {
                combine,
                ..Rule::default()
            };
            let by = |missing| rule.rank(&metrics(missing, &[[None; 3]; 2])).unwrap();
            assert_eq!(by(Missing::Last).ranks, some([1, 1]), "{rule:?}");
            assert_eq!(by(Missing::Excluded).ranks, some([0, 0]), "{rule:?}");
            assert!(
                rule.rank(&metrics(Missing::Last, &[]))
                    .unwrap()
                    .ranks
                    .is_empty()
            );
        }
    }

    #[test]
    fn a_rule_that_does_not_fit_its_metrics_is_refused() {
        let three = metrics(Missing::Last, &[[Some(1.0); 3]]);
        let refused = |combine: Combine, metrics: &[Scores]| {
            let rule = Rule {
                combine,
                ..Rule::default()
            };
            rule.rank(metrics).unwrap_err()
        };
        let weighted = |weights: &[f64]| refused(Combine::Weighted(weights.to_vec()), &three);
        assert_eq!(refused(Combine::MeanOfRanks, &[]), Error::NoMetric);
        assert_eq!(
            weighted(&[1.0]),
            Error::Weights {
                weights: 1,
                expected: 3
            }
        );
        assert_eq!(
            weighted(&[1.0, f64::INFINITY, 1.0]),
            Error::Weight { at: 1 }
        );
        assert_eq!(weighted(&[0.0; 3]), Error::NoWeight);
        let ordered = |order: &[usize]| refused(Combine::Lexicographic(order.to_vec()), &three);
        assert_eq!(ordered(&[]), Error::NoMetric);
        assert_eq!(ordered(&[0, 3]), Error::Order { at: 1 });
        assert_eq!(ordered(&[1, 0, 1]), Error::Order { at: 2 });

        let mut uneven = three.clone();
        uneven.push(metrics(Missing::Last, &[[None; 3]; 2]).remove(0));
        let shape = Error::Shape {
            metric: 3,
            entries: 2,
            cases: 1,
        };
        assert_eq!(refused(Combine::MeanOfRanks, &uneven), shape);
        let test = crate::versus::Test {
            alpha: 1.0,
            ..Default::default()
        };
        let rule = Rule {
            scheme: Scheme::TestThenRank(test),
            ..Rule::default()
        };
        assert_eq!(rule.rank(&three), Err(Error::Alpha));
    }
}
