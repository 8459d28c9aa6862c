//! Which ranks an entry had over many draws.

/// The ranks of one entry in a bootstrap.
#[derive(Debug, Clone, PartialEq)]
pub struct RankDistribution {
    /// Best first.
    sorted: Vec<f64>,
    unranked: usize,
}

impl RankDistribution {
    /// `None` is a draw in which the entry had no rank.
    pub(crate) fn new(ranks: impl Iterator<Item = Option<f64>>) -> Self {
        let mut unranked = 0;
        let mut sorted: Vec<f64> = ranks
            .inspect(|rank| unranked += usize::from(rank.is_none()))
            .flatten()
            .collect();
        sorted.sort_by(f64::total_cmp);
        Self { sorted, unranked }
    }

    /// Draws in which the entry had no rank: missing values are excluded, and it had none.
    pub fn unranked(&self) -> usize {
        self.unranked
    }

    /// Each rank that occurred and in how many draws, best first.
    pub fn counts(&self) -> Vec<(f64, usize)> {
        let groups = self.sorted.chunk_by(|a, b| a == b);
        groups.map(|group| (group[0], group.len())).collect()
    }

    /// `None` if the entry was never ranked.
    pub fn median(&self) -> Option<f64> {
        quantile(&self.sorted, 0.5)
    }

    /// Between these the entry was in the middle `level` of the draws: 0.95 gives the percentiles
    /// 2.5 and 97.5 (Efron 1979, percentile interval). `None` if it was never ranked, or the level
    /// does not lie between 0 and 1.
    pub fn interval(&self, level: f64) -> Option<(f64, f64)> {
        let tail = (1.0 - level) / 2.0;
        Some((
            quantile(&self.sorted, tail)?,
            quantile(&self.sorted, 1.0 - tail)?,
        ))
    }
}

/// Linear between the two neighbours: type 7 of Hyndman and Fan (1996), the default of NumPy and R.
///
/// `None` of nothing, or if `q` does not lie between 0 and 1. `sorted` must be, and without NaN.
pub(crate) fn quantile(sorted: &[f64], q: f64) -> Option<f64> {
    if sorted.is_empty() || !(0.0..=1.0).contains(&q) {
        return None;
    }
    let place = (sorted.len() - 1) as f64 * q;
    let below = sorted[place.floor() as usize];
    let above = sorted[place.ceil() as usize];
    Some(below + (above - below) * place.fract())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_distribution_counts_and_interpolates() {
        let ranks = [Some(2.0), Some(1.0), None, Some(2.0), Some(3.0), Some(2.5)];
        let found = RankDistribution::new(ranks.into_iter());
        assert_eq!(found.counts(), [(1.0, 1), (2.0, 2), (2.5, 1), (3.0, 1)]);
        assert_eq!(found.unranked(), 1);
        assert_eq!(found.median(), Some(2.0));
        assert_eq!(found.interval(0.5), Some((2.0, 2.5)));
        assert_eq!(found.interval(1.0), Some((1.0, 3.0)));
    }

    #[test]
    fn nothing_has_no_median_and_a_level_beyond_one_no_interval() {
        let none = RankDistribution::new([None].into_iter());
        assert_eq!((none.median(), none.interval(0.95)), (None, None));
        assert!(none.counts().is_empty());
        let one = RankDistribution::new([Some(4.0)].into_iter());
        assert_eq!(one.interval(0.95), Some((4.0, 4.0)));
        assert_eq!(one.interval(1.5), None);
        assert_eq!(one.interval(f64::NAN), None);
    }
}
