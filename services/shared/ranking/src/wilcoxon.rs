//! Wilcoxon's signed-rank test of paired values, one-sided.

use std::sync::LazyLock;

use crate::error::Error;
use crate::normal::upper_tail;

/// Up to so many differences, [`Method::Auto`] counts the outcomes.
const COUNTED: usize = 50;

/// How a sum of ranks becomes a probability.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Method {
    /// The normal approximation, its variance corrected for ties, with continuity correction:
    /// W⁺ − n(n+1)/4 − ½ over the root of n(n+1)(2n+1)/24 − Σ(t³ − t)/48, n without zeros
    /// (Hollander and Wolfe 1999, *Nonparametric Statistical Methods*, 3.1). As SciPy's
    /// `wilcoxon(zero_method="wilcox", correction=True, method="asymptotic")` and R's
    /// `wilcox.test(exact=FALSE)`.
    #[default]
    Normal,
    /// The exact distribution where no difference is zero, none tie, and there are at most 50; else
    /// as `Normal`. As R, but for 50 itself; SciPy's `"auto"` differs where there are ties or zeros
    /// among at most 13.
    Auto,
}

/// What the test found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Wilcoxon {
    /// The sum of the ranks of positive differences.
    pub w_plus: f64,
    /// Differences that are not zero.
    pub n: usize,
    /// The probability of so large a sum if neither side is better; 1 without a difference.
    pub p: f64,
}

/// Tests whether `left` is larger than `right`, pair by pair.
///
/// Pairs in which either value is NaN are left out, differences of zero dropped, those of equal
/// size share the mean of their ranks (Wilcoxon 1945, *Individual Comparisons by Ranking Methods*).
/// Equal infinities differ by zero. Fails if the lengths differ.
pub fn wilcoxon(left: &[f64], right: &[f64], method: Method) -> Result<Wilcoxon, Error> {
    if left.len() != right.len() {
        return Err(Error::Lengths {
            left: left.len(),
            right: right.len(),
        });
    }
    let pairs = left.iter().zip(right);
    let mut differences: Vec<f64> = pairs
        .map(|(&left, &right)| difference(left, right))
        .collect();
    differences.retain(|difference| !difference.is_nan());
    let has_zero = differences.contains(&0.0);
    differences.retain(|&difference| difference != 0.0);
    differences.sort_by(|a, b| a.abs().total_cmp(&b.abs()));

    let mut sum = Sum {
        has_zero,
        ..Sum::default()
    };
    for tied in differences.chunk_by(|a, b| a.abs() == b.abs()) {
        let positive = tied.iter().filter(|&&difference| difference > 0.0).count();
        sum.add(positive as u64, tied.len() as u64);
    }
    Ok(Wilcoxon {
        w_plus: sum.twice_plus as f64 / 2.0,
        n: sum.n as usize,
        p: sum.p_plus(method),
    })
}

/// NaN where either is, zero between equal infinities.
pub(crate) fn difference(left: f64, right: f64) -> f64 {
    if left == right { 0.0 } else { left - right }
}

/// What the probability depends on.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Sum {
    /// 2 W⁺, which is whole.
    pub twice_plus: u64,
    /// Differences that are not zero.
    pub n: u64,
    /// Σ(t³ − t) over the groups of tied ones.
    pub ties: u64,
    pub has_zero: bool,
}

impl Sum {
    /// Adds the next larger group of equal differences.
    fn add(&mut self, positive: u64, tied: u64) {
        self.twice_plus += positive * (2 * self.n + tied + 1);
        self.n += tied;
        self.ties += tied * tied * tied - tied;
    }

    /// The same seen from the other side.
    pub fn turned(self) -> Self {
        Self {
            twice_plus: self.n * (self.n + 1) - self.twice_plus,
            ..self
        }
    }

    pub fn p_plus(self, method: Method) -> f64 {
        if self.n == 0 {
            return 1.0;
        }
        if method == Method::Auto && self.is_counted() {
            return TAILS[self.n as usize][(self.twice_plus / 2) as usize];
        }
        upper_tail(self.above_mean() / self.variance().sqrt())
    }

    pub fn is_counted(self) -> bool {
        self.n <= COUNTED as u64 && self.ties == 0 && !self.has_zero
    }

    /// W⁺ above its mean, less the continuity correction.
    pub fn above_mean(self) -> f64 {
        let n = self.n as f64;
        self.twice_plus as f64 / 2.0 - n * (n + 1.0) / 4.0 - 0.5
    }

    pub fn variance(self) -> f64 {
        let n = self.n as f64;
        n * (n + 1.0) * (2.0 * n + 1.0) / 24.0 - self.ties as f64 / 48.0
    }
}

/// `TAILS[n][w]` = P(W⁺ ≥ w) of n untied differences: of the 2ⁿ ways to sign the ranks 1…n, the
/// share whose positive ones sum to w or more.
static TAILS: LazyLock<Vec<Vec<f64>>> = LazyLock::new(|| (0..=COUNTED).map(tails).collect());

fn tails(n: usize) -> Vec<f64> {
    let mut ways = vec![0.0f64; n * (n + 1) / 2 + 1];
    ways[0] = 1.0;
    for rank in 1..=n {
        for sum in (rank..ways.len()).rev() {
            ways[sum] += ways[sum - rank];
        }
    }
    // Sums of whole numbers below 2^50: nothing is rounded before the division.
    let mut above = 0.0;
    for ways in ways.iter_mut().rev() {
        above += *ways;
        *ways = above / 2f64.powi(n as i32);
    }
    ways
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wilcoxons_own_ranks_and_a_count_by_hand() {
        // +1 +2 −3 +4: of the sixteen signings of 1…4, four sum to seven or more but ten, nine, eight.
        let found = wilcoxon(&[1.0, 2.0, 0.0, 4.0], &[0.0, 0.0, 3.0, 0.0], Method::Auto).unwrap();
        assert_eq!((found.w_plus, found.n), (7.0, 4));
        assert_eq!(found.p, 5.0 / 16.0);
    }

    #[test]
    fn zeros_are_dropped_ties_share_and_missing_pairs_are_left_out() {
        let left = [1.0, 2.0, 2.0, 5.0, f64::NAN, 9.0];
        let right = [1.0, 1.0, 3.0, 2.0, 1.0, f64::NAN];
        let found = wilcoxon(&left, &right, Method::Auto).unwrap();
        assert_eq!((found.w_plus, found.n), (1.5 + 3.0, 3));
        let normal = wilcoxon(&left, &right, Method::Normal).unwrap();
        assert_eq!(found, normal, "ties are not counted out");
    }

    #[test]
    fn without_a_difference_nobody_is_better() {
        for method in [Method::Normal, Method::Auto] {
            let p = |left: &[f64], right: &[f64]| wilcoxon(left, right, method).unwrap().p;
            assert_eq!(p(&[], &[]), 1.0);
            assert_eq!(p(&[3.0; 9], &[3.0; 9]), 1.0);
            assert_eq!(p(&[f64::NAN], &[1.0]), 1.0);
            assert_eq!(p(&[f64::INFINITY], &[f64::INFINITY]), 1.0);
            assert_eq!(p(&[2.0], &[1.0]), 0.5);
        }
        let uneven = wilcoxon(&[1.0], &[], Method::Normal).unwrap_err();
        assert_eq!(uneven, Error::Lengths { left: 1, right: 0 });
    }

    #[test]
    fn infinite_differences_are_the_largest_and_tie() {
        let left = [f64::INFINITY, 1.0, 3.0, f64::INFINITY];
        let right = [0.0, 2.0, 1.0, f64::NEG_INFINITY];
        let found = wilcoxon(&left, &right, Method::Normal).unwrap();
        assert_eq!((found.w_plus, found.n), (2.0 + 3.5 + 3.5, 4));
    }
}
