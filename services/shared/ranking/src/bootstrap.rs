//! How sure a ranking is: the whole of it again for each draw of cases.

use rayon::prelude::*;

use crate::counts::Counts;
use crate::distribution::RankDistribution;
use crate::draws::Draws;
use crate::error::Error;
use crate::kendall::tau_b;
use crate::rule::{Ranking, Rule};
use crate::scores::Scores;
use crate::ties::rank_goodness;

/// A ranking, and those of many draws.
#[derive(Debug, Clone, PartialEq)]
pub struct Bootstrap {
    /// Over every case once.
    pub full: Ranking,
    /// By draw: Kendall's τ-b of its ranking against the full one; `None` where it is not defined.
    pub tau: Vec<Option<f64>>,
    entries: usize,
    /// `[draw * entries + entry]`, 0 where the entry had no rank.
    ranks: Vec<f64>,
}

/// Ranks by the rule over all cases, and over each draw of them.
///
/// The nonparametric bootstrap over cases (Efron 1979; for challenges Wiesenfarth et al. 2021,
/// "Assessing the stability of rankings"): a draw is a set of cases of its own, in which one that
/// was drawn twice is two cases. In parallel on rayon's current pool; the result does not depend on
/// it. Fails where [`Rule::rank`] does, without a case, and if the draws are of another number of
/// cases.
pub fn bootstrap(rule: &Rule, metrics: &[Scores], draws: &Draws) -> Result<Bootstrap, Error> {
    let (entries, cases) = rule.check(metrics)?;
    if cases == 0 {
        return Err(Error::NoCase);
    }
    if draws.cases() != cases {
        return Err(Error::Draws {
            draws: draws.cases(),
            cases,
        });
    }
    let full = rule.rank(metrics)?;
    let ranks = ranks(rule, metrics, &Counts::of(draws), entries);
    let tau = |ranks: &[f64]| {
        let pairs = full.ranks.iter().zip(ranks);
        let both = pairs.filter_map(|(&full, &drawn)| Some((full?, drawn)));
        tau_b(&mut both.filter(|(_, drawn)| *drawn > 0.0).collect::<Vec<_>>())
    };
    let tau = if entries == 0 {
        vec![None; draws.count()]
    } else {
        ranks.par_chunks(entries).map(tau).collect()
    };
    Ok(Bootstrap {
        full,
        tau,
        entries,
        ranks,
    })
}

fn ranks(rule: &Rule, metrics: &[Scores], counts: &Counts, entries: usize) -> Vec<f64> {
    let goodness: Vec<Vec<f64>> = metrics
        .iter()
        .map(|scores| rule.scheme.goodness(scores, rule.ties, counts))
        .collect();
    let mut ranks = vec![0.0; counts.draws() * entries];
    let draws = ranks.par_chunks_mut(entries.max(1)).enumerate();
    draws.for_each_init(
        || vec![0.0; metrics.len() * entries],
        |columns, (at, finals)| {
            let goodness = |metric: usize| &goodness[metric][at * entries..(at + 1) * entries];
            for (metric, ranks) in columns.chunks_mut(entries).enumerate() {
                let is_excluding = metrics[metric].is_excluding();
                rank_goodness(goodness(metric), rule.ties, is_excluding, ranks);
            }
            let has_any = |metric: usize| goodness(metric).iter().any(|value| !value.is_nan());
            let columns = columns.chunks(entries).enumerate();
            let columns: Vec<Option<&[f64]>> = columns
                .map(|(metric, ranks)| has_any(metric).then_some(ranks))
                .collect();
            rule.combined(metrics, &columns, finals);
            for rank in finals.iter_mut().filter(|rank| rank.is_nan()) {
                *rank = 0.0;
            }
        },
    );
    ranks
}

impl Bootstrap {
    pub fn draws(&self) -> usize {
        self.tau.len()
    }

    /// The ranks of one draw, in the order of the entries. Panics beyond the last draw.
    pub fn ranks(&self, draw: usize) -> Vec<Option<f64>> {
        let row = &self.ranks[draw * self.entries..(draw + 1) * self.entries];
        row.iter().map(|&rank| is_rank(rank)).collect()
    }

    /// Which ranks one entry had. Panics beyond the last entry.
    pub fn distribution(&self, entry: usize) -> RankDistribution {
        assert!(entry < self.entries, "entry {entry} of {}", self.entries);
        let column = self.ranks.iter().skip(entry).step_by(self.entries);
        RankDistribution::new(column.map(|&rank| is_rank(rank)))
    }

    /// The mean of τ-b over the draws where it is defined; `None` if it is in none.
    pub fn mean_tau(&self) -> Option<f64> {
        let defined: Vec<f64> = self.tau.iter().copied().flatten().collect();
        (!defined.is_empty()).then(|| defined.iter().sum::<f64>() / defined.len() as f64)
    }
}

fn is_rank(stored: f64) -> Option<f64> {
    (stored > 0.0).then_some(stored)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aggregate::Aggregate;
    use crate::missing::Missing;
    use crate::rank::Direction;
    use crate::scheme::Scheme;

    fn metric(missing: Missing, rows: &[Vec<Option<f64>>]) -> Vec<Scores> {
        vec![Scores::new(Direction::HigherIsBetter, missing, rows).unwrap()]
    }

    fn draws(count: usize, cases: usize) -> Draws {
        Draws::seeded(1, count, cases).unwrap()
    }

    #[test]
    fn one_team_is_always_first_and_agrees_with_nobody() {
        let metrics = metric(Missing::Last, &[vec![Some(0.5), Some(0.1), None]]);
        let found = bootstrap(&Rule::default(), &metrics, &draws(9, 3)).unwrap();
        assert_eq!(found.distribution(0).counts(), [(1.0, 9)]);
        assert_eq!((found.draws(), found.mean_tau()), (9, None));
    }

    #[test]
    fn one_case_gives_the_full_ranking_in_every_draw() {
        let metrics = metric(
            Missing::Last,
            &[vec![Some(0.5)], vec![Some(0.7)], vec![None]],
        );
        let found = bootstrap(&Rule::default(), &metrics, &draws(5, 1)).unwrap();
        assert_eq!(found.tau, [Some(1.0); 5]);
        assert!((0..5).all(|draw| found.ranks(draw) == found.full.ranks));
    }

    #[test]
    fn all_tied_agree_on_nothing_and_nobody_is_nobody() {
        let tied = metric(Missing::Last, &vec![vec![Some(0.5); 4]; 3]);
        let found = bootstrap(&Rule::default(), &tied, &draws(5, 4)).unwrap();
        assert_eq!(found.tau, [None; 5]);
        assert_eq!(found.distribution(2).interval(0.95), Some((1.0, 1.0)));

        let given = Draws::given(vec![vec![0]], 1).unwrap();
        let nobody = metric(Missing::Last, &[]);
        assert_eq!(
            bootstrap(&Rule::default(), &nobody, &given).unwrap_err(),
            Error::NoCase
        );
    }

    #[test]
    fn who_has_no_value_in_a_draw_is_not_ranked_in_it() {
        let rows = [vec![Some(0.5), None], vec![Some(0.2), Some(0.3)]];
        let given = Draws::given(vec![vec![1, 1], vec![0, 1], vec![0, 0]], 2).unwrap();
        let found = bootstrap(&Rule::default(), &metric(Missing::Excluded, &rows), &given).unwrap();
        assert_eq!(found.ranks(0), [None, Some(1.0)]);
        let first = found.distribution(0);
        assert_eq!((first.counts(), first.unranked()), (vec![(1.0, 2)], 1));
        assert_eq!(found.tau, [None, Some(1.0), Some(1.0)]);
    }

    #[test]
    fn a_metric_that_nobody_has_in_a_draw_ranks_nobody_in_it() {
        let some = [vec![None, Some(0.5)], vec![Some(0.2), Some(0.3)]];
        let late = [vec![None, Some(0.1)], vec![None, Some(0.2)]];
        let mut metrics = metric(Missing::Excluded, &some);
        metrics.extend(metric(Missing::Last, &late));
        let given = Draws::given(vec![vec![0, 0], vec![1, 1]], 2).unwrap();
        for scheme in [
            Scheme::AggregateThenRank(Aggregate::Mean),
            Scheme::RankThenAggregate(Aggregate::Mean),
        ] {
            let rule = Rule {
                scheme,
                ..Rule::default()
            };
            let found = bootstrap(&rule, &metrics, &given).unwrap();
            assert_eq!(found.ranks(0), [None, Some(1.0)], "{scheme:?}");
            assert_eq!(found.ranks(1), [Some(1.0), Some(1.0)], "{scheme:?}");
        }
    }

    #[test]
    fn no_case_and_draws_of_others_are_refused() {
        let refused = |rows: &[Vec<Option<f64>>]| {
            bootstrap(&Rule::default(), &metric(Missing::Last, rows), &draws(2, 3)).unwrap_err()
        };
        assert_eq!(refused(&[vec![], vec![]]), Error::NoCase);
        assert_eq!(
            refused(&[vec![Some(1.0)]]),
            Error::Draws { draws: 3, cases: 1 }
        );
    }
}
