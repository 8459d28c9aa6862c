//! One ranking out of several that were made apart: of metrics, of phases.

use crate::combine::{check_weights, weighted};
use crate::error::Error;
use crate::kendall::kendall_tau_b;
use crate::missing::Missing;
use crate::rank::Direction;
use crate::ties::{Ties, rank_with};

/// What several rankings agree on, in the order of the entries.
#[derive(Debug, Clone, PartialEq)]
pub struct Consensus {
    /// The (weighted) mean of an entry's ranks.
    pub scores: Vec<Option<f64>>,
    pub ranks: Vec<Option<f64>>,
    /// One for each ranking: Kendall's τ-b of it against the consensus.
    pub tau: Vec<Option<f64>>,
}

/// Ranks entries by the weighted mean of their ranks, `rankings[r][entry]`.
///
/// The mean rank has the smallest sum of squared distances to the rankings: the Euclidean consensus
/// (Cook and Seiford 1982, *On the Borda-Kendall Consensus Method for Priority Ranking Problems*),
/// which challenge reports use across tasks (Wiesenfarth et al. 2021). Without `weights` all count
/// alike.
///
/// An entry that a ranking lacks: with [`Missing::Last`], one that ranks after all it has, at 1 + the
/// number it ranks; with [`Missing::Worst`], at that rank; with [`Missing::Excluded`], the mean is
/// over the rankings that have it. Who is in none is not ranked. Fails without a ranking, if they
/// differ in length, for what is no rank, and for weights that are none.
pub fn consensus(
    rankings: &[Vec<Option<f64>>],
    weights: Option<&[f64]>,
    missing: Missing,
    ties: Ties,
) -> Result<Consensus, Error> {
    let entries = rankings.first().ok_or(Error::NoRanking)?.len();
    if let Some(other) = rankings.iter().find(|ranking| ranking.len() != entries) {
        return Err(Error::Lengths {
            left: other.len(),
            right: entries,
        });
    }
    if matches!(missing, Missing::Worst(rank) if !is_rank(rank)) {
        return Err(Error::Worst);
    }
    for (ranking, ranks) in rankings.iter().enumerate() {
        let is_bad = |&rank: &Option<f64>| present(rank).is_some_and(|rank| !is_rank(rank));
        if let Some(entry) = ranks.iter().position(is_bad) {
            return Err(Error::Rank { ranking, entry });
        }
    }
    let equal = vec![1.0; rankings.len()];
    let weights = weights.unwrap_or(&equal);
    check_weights(weights, rankings.len())?;

    let is_ranked = |entry: usize| {
        rankings
            .iter()
            .any(|ranking| present(ranking[entry]).is_some())
    };
    let filled: Vec<Vec<f64>> = rankings
        .iter()
        .map(|ranking| filled(ranking, missing))
        .collect();
    let columns: Vec<Option<&[f64]>> = filled.iter().map(|ranks| Some(ranks.as_slice())).collect();
    let scores = weighted(&columns, weights, entries).into_iter().enumerate();
    let scores: Vec<Option<f64>> = scores
        .map(|(entry, score)| Some(score).filter(|score| is_ranked(entry) && !score.is_nan()))
        .collect();
    let ranks = rank_with(&scores, Direction::LowerIsBetter, ties, Missing::Excluded);
    let tau = rankings
        .iter()
        .map(|ranking| kendall_tau_b(ranking, &ranks));
    let tau = tau.collect::<Result<_, _>>()?;
    Ok(Consensus { scores, ranks, tau })
}

fn is_rank(rank: f64) -> bool {
    (1.0..=1e6).contains(&rank) && (2.0 * rank).fract() == 0.0
}

fn present(rank: Option<f64>) -> Option<f64> {
    rank.filter(|rank| !rank.is_nan())
}

fn filled(ranking: &[Option<f64>], missing: Missing) -> Vec<f64> {
    let ranked = ranking.iter().copied().filter_map(present).count();
    let instead = match missing {
        Missing::Last => (ranked + 1) as f64,
        Missing::Worst(rank) => rank,
        Missing::Excluded => f64::NAN,
    };
    ranking
        .iter()
        .map(|&rank| present(rank).unwrap_or(instead))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some<const N: usize>(ranks: [f64; N]) -> Vec<Option<f64>> {
        ranks
            .map(|rank| Some(rank).filter(|rank| *rank > 0.0))
            .to_vec()
    }

    fn of(rankings: &[Vec<Option<f64>>], missing: Missing) -> Consensus {
        consensus(rankings, None, missing, Ties::Min).unwrap()
    }

    #[test]
    fn phases_agree_by_their_mean_rank_and_equal_means_tie() {
        let found = of(
            &[some([1.0, 2.0, 3.0]), some([2.0, 1.0, 3.0])],
            Missing::Last,
        );
        assert_eq!(found.scores, some([1.5, 1.5, 3.0]));
        assert_eq!(found.ranks, some([1.0, 1.0, 3.0]));
        // Three pairs, one tied in the consensus: 2 / √(3 · 2).
        assert_eq!(found.tau, [Some(2.0 / 6f64.sqrt()); 2]);
    }

    #[test]
    fn weights_decide_and_do_not_round_a_tie_away() {
        let rankings = [
            some([1.0, 2.0, 3.0]),
            some([2.0, 3.0, 1.0]),
            some([3.0, 1.0, 2.0]),
        ];
        let by = |weights: &[f64]| {
            let found = consensus(&rankings, Some(weights), Missing::Last, Ties::Average);
            found.unwrap().ranks
        };
        assert_eq!(by(&[0.1, 0.1, 0.1]), some([2.0, 2.0, 2.0]));
        assert_eq!(by(&[1.0, 0.0, 0.0]), some([1.0, 2.0, 3.0]));
        assert_eq!(by(&[0.2, 0.3, 0.6]), some([3.0, 1.0, 2.0]));
    }

    #[test]
    fn who_is_missing_in_a_phase_ranks_last_there_or_at_a_rank_or_is_not_counted_there() {
        // The third has only the second phase, the fourth none.
        let rankings = [some([1.0, 2.0, 0.0, 0.0]), some([2.0, 3.0, 1.0, 0.0])];
        let scores = |missing| of(&rankings, missing).scores;
        assert_eq!(scores(Missing::Last), some([1.5, 2.5, 2.0, 0.0]));
        assert_eq!(scores(Missing::Worst(4.0)), some([1.5, 2.5, 2.5, 0.0]));
        assert_eq!(scores(Missing::Excluded), some([1.5, 2.5, 1.0, 0.0]));
        assert_eq!(
            of(&rankings, Missing::Excluded).ranks,
            some([2.0, 3.0, 1.0, 0.0])
        );
    }

    #[test]
    fn one_entry_agrees_with_nobody_and_nonsense_is_refused() {
        let alone = of(&[some([1.0])], Missing::Last);
        assert_eq!((alone.ranks, alone.tau), (some([1.0]), vec![None]));
        assert!(of(&[vec![]], Missing::Last).ranks.is_empty());

        let refused = |rankings: &[Vec<Option<f64>>], weights: Option<&[f64]>, missing| {
            consensus(rankings, weights, missing, Ties::Min).unwrap_err()
        };
        let last = Missing::Last;
        let two = [some([1.0, 2.0]), some([2.0, 1.0])];
        assert_eq!(refused(&[], None, last), Error::NoRanking);
        let uneven = [some([1.0, 2.0]), some([1.0])];
        assert_eq!(
            refused(&uneven, None, last),
            Error::Lengths { left: 1, right: 2 }
        );
        for rank in [0.5, 1.3, f64::INFINITY, -1.0] {
            let wrong = [some([1.0, 2.0]), vec![Some(1.0), Some(rank)]];
            assert_eq!(
                refused(&wrong, None, last),
                Error::Rank {
                    ranking: 1,
                    entry: 1
                }
            );
            assert_eq!(refused(&two, None, Missing::Worst(rank)), Error::Worst);
        }
        assert_eq!(
            refused(&two, Some(&[1.0]), last),
            Error::Weights {
                weights: 1,
                expected: 2
            }
        );
        assert_eq!(
            refused(&two, Some(&[1.0, -1.0]), last),
            Error::Weight { at: 1 }
        );
        assert_eq!(
            refused(&two, Some(&[1.0, f64::NAN]), last),
            Error::Weight { at: 1 }
        );
        assert_eq!(refused(&two, Some(&[0.0, 0.0]), last), Error::NoWeight);
    }
}
