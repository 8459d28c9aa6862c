//! One ranking out of those of several metrics.

use crate::error::Error;
use crate::exact::{Unit, Units};
use crate::ties::{Ties, rank_goodness};

/// How the ranks by each metric become one.
///
/// A metric that no entry has is left out.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Combine {
    /// By the mean of an entry's ranks. The protocol's.
    #[default]
    MeanOfRanks,
    /// By the weighted mean of an entry's ranks, Σ wᵢ rᵢ / Σ wᵢ: a weight for each metric, finite
    /// and not negative. A metric of weight 0 counts in nothing.
    Weighted(Vec<f64>),
    /// By the rank in the first metric named; who ties there, by the second, and so on. Metrics are
    /// named by their place, and those that are not named do not count.
    Lexicographic(Vec<usize>),
}

/// The ranks of each metric, `[metric][entry]`, NaN where there is none; `None` if it is left out.
pub(crate) type Columns<'a> = [Option<&'a [f64]>];

impl Combine {
    pub(crate) fn check(&self, metrics: usize) -> Result<(), Error> {
        match self {
            Self::MeanOfRanks => Ok(()),
            Self::Weighted(weights) => check_weights(weights, metrics),
            Self::Lexicographic(order) => {
                if order.is_empty() {
                    return Err(Error::NoMetric);
                }
                let is_bad = |&at: &usize| order[at] >= metrics || order[..at].contains(&order[at]);
                (0..order.len())
                    .find(is_bad)
                    .map_or(Ok(()), |at| Err(Error::Order { at }))
            }
        }
    }

    /// Whether the metric takes part at all.
    pub(crate) fn counts(&self, metric: usize) -> bool {
        match self {
            Self::MeanOfRanks => true,
            Self::Weighted(weights) => weights[metric] > 0.0,
            Self::Lexicographic(order) => order.contains(&metric),
        }
    }

    /// Each entry's mean rank, NaN for who has none; `None` where places are no numbers.
    pub(crate) fn scores(&self, columns: &Columns<'_>, entries: usize) -> Option<Vec<f64>> {
        let weights = match self {
            Self::MeanOfRanks => vec![1.0; columns.len()],
            Self::Weighted(weights) => weights.clone(),
            Self::Lexicographic(_) => return None,
        };
        Some(weighted(columns, &weights, entries))
    }

    /// The final rank of each entry, NaN for who has no rank by any metric that counts.
    pub(crate) fn ranks(
        &self,
        columns: &Columns<'_>,
        scores: Option<&[f64]>,
        ties: Ties,
        out: &mut [f64],
    ) {
        let goodness: Vec<f64> = match (self, scores) {
            (Self::Lexicographic(order), _) => lexicographic(columns, order, out.len()),
            (_, Some(scores)) => scores.iter().map(|score| -score).collect(),
            (_, None) => vec![f64::NAN; out.len()],
        };
        rank_goodness(&goodness, ties, true, out);
    }
}

pub(crate) fn check_weights(weights: &[f64], expected: usize) -> Result<(), Error> {
    if weights.len() != expected {
        return Err(Error::Weights {
            weights: weights.len(),
            expected,
        });
    }
    let is_bad = |weight: &f64| !weight.is_finite() || *weight < 0.0;
    if let Some(at) = weights.iter().position(is_bad) {
        return Err(Error::Weight { at });
    }
    let is_any = weights.iter().any(|&weight| weight > 0.0);
    is_any.then_some(()).ok_or(Error::NoWeight)
}

/// Σ w r / Σ w over the ranks that an entry has, the sums exact: equal ones tie.
pub(crate) fn weighted(columns: &Columns<'_>, weights: &[f64], entries: usize) -> Vec<f64> {
    // Ranks are whole or halves.
    let ranks = columns.iter().flatten().copied().flatten();
    let largest = ranks
        .copied()
        .filter(|rank| !rank.is_nan())
        .fold(1.0, f64::max);
    let most = 2 * largest as u64 * columns.len().max(1) as u64;
    let unit = Unit::new(weights.iter().copied(), most);
    let weights: Vec<Units> = weights.iter().map(|&weight| unit.of(weight)).collect();
    let mean = |entry: usize| {
        let mut sum = Units::default();
        let mut all = Units::default();
        for (ranks, weight) in columns.iter().zip(&weights) {
            let Some(rank) = ranks
                .map(|ranks| ranks[entry])
                .filter(|rank| !rank.is_nan())
            else {
                continue;
            };
            let twice = (2.0 * rank) as i64;
            sum = Units {
                high: sum.high + twice * weight.high,
                low: sum.low + twice * weight.low,
            };
            all = Units {
                high: all.high + weight.high,
                low: all.low + weight.low,
            };
        }
        // 0 / 0, NaN, without a rank that counts.
        unit.mean(sum, 2.0) / unit.mean(all, 1.0)
    };
    (0..entries).map(mean).collect()
}

/// More is better: minus the place by the metrics in turn.
fn lexicographic(columns: &Columns<'_>, order: &[usize], entries: usize) -> Vec<f64> {
    let named = || order.iter().filter_map(|&metric| columns[metric]);
    // A rank that is missing comes after all.
    let key = |entry: usize| {
        named()
            .map(move |ranks| ranks[entry])
            .map(|r| if r.is_nan() { f64::MAX } else { r })
    };
    let compare = |a: usize, b: usize| {
        key(a)
            .partial_cmp(key(b))
            .unwrap_or(std::cmp::Ordering::Equal)
    };
    let mut best_first: Vec<usize> = (0..entries).collect();
    best_first.sort_by(|&a, &b| compare(a, b));
    let mut goodness = vec![f64::NAN; entries];
    let mut place = 0.0;
    for (at, &entry) in best_first.iter().enumerate() {
        if at > 0 && compare(best_first[at - 1], entry).is_ne() {
            place += 1.0;
        }
        if named().any(|ranks| !ranks[entry].is_nan()) {
            goodness[entry] = -place;
        }
    }
    goodness
}
