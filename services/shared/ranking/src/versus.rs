//! Every entry against every other.

use rayon::prelude::*;

use crate::counts::Counts;
use crate::error::Error;
use crate::normal::upper_tail;
use crate::pairs::{Count, LANES, Lanes, Pair};
use crate::scores::Scores;
use crate::wilcoxon::{Method, Sum};

/// When one entry is better than another: the one-sided test says so at `alpha`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Test {
    /// Between 0 and 1. A p-value equal to it is significant.
    pub alpha: f64,
    pub method: Method,
}

impl Default for Test {
    /// Alpha 0.05, and one method for every draw, since draws always have ties.
    fn default() -> Self {
        Self {
            alpha: 0.05,
            method: Method::Normal,
        }
    }
}

impl Test {
    pub(crate) fn check(&self) -> Result<(), Error> {
        let is_sound = self.alpha > 0.0 && self.alpha < 1.0;
        is_sound.then_some(()).ok_or(Error::Alpha)
    }
}

/// The share of the others that each entry is better than, `[draw * entries + entry]`.
///
/// An entry alone is better than none, share 0; one without a value in the draw has NaN.
pub(crate) fn shares(test: &Test, scores: &Scores, counts: &Counts) -> Vec<f64> {
    let wins = match counts.longest {
        ..=255 => wins::<u16>(test, scores, counts),
        256..=65_535 => wins::<u32>(test, scores, counts),
        65_536.. => wins::<u64>(test, scores, counts),
    };
    let others = scores.entries().saturating_sub(1).max(1) as f64;
    let mut shares: Vec<f64> = wins.iter().map(|&wins| f64::from(wins) / others).collect();
    let rows = shares.par_chunks_mut(scores.entries().max(1)).enumerate();
    rows.for_each(|(draw, shares)| {
        let counts = counts.draw(draw);
        for (entry, share) in shares.iter_mut().enumerate() {
            let mut cases = scores.row(entry).iter().zip(counts);
            if cases.all(|(value, &count)| value.is_nan() || count == 0) {
                *share = f64::NAN;
            }
        }
    });
    shares
}

fn wins<T: Count>(test: &Test, scores: &Scores, counts: &Counts) -> Vec<u32> {
    let entries = scores.entries();
    let lanes = Lanes::<T>::new(counts, scores.cases());
    let cut = Cut::new(test);
    let none = || (vec![0; counts.draws() * entries], Pair::default());
    // Whole numbers: however the pairs are shared out, the sums are the same.
    let wins = (0..entries)
        .into_par_iter()
        .fold(none, |(mut wins, mut pair), left| {
            for right in left + 1..entries {
                pair.set(scores.row(left), scores.row(right));
                for group in 0..lanes.groups() {
                    let first = group * LANES;
                    let sums = pair.sums(&lanes, group);
                    for (draw, sum) in (first..counts.draws()).zip(sums) {
                        let [left_wins, right_wins] = cut.decide(sum);
                        wins[draw * entries + left] += u32::from(left_wins);
                        wins[draw * entries + right] += u32::from(right_wins);
                    }
                }
            }
            (wins, pair)
        });
    let wins = wins.map(|(wins, _)| wins).reduce_with(|mut some, more| {
        for (some, more) in some.iter_mut().zip(more) {
            *some += more;
        }
        some
    });
    wins.unwrap_or_default()
}

/// The p-value of each entry (row) against each other (column), `[row * entries + column]`.
pub(crate) fn p_values(test: &Test, scores: &Scores) -> Vec<f64> {
    let entries = scores.entries();
    let lanes = Lanes::<u64>::new(&Counts::once(scores.cases()), scores.cases());
    let mut p = vec![f64::NAN; entries * entries];
    let mut pair = Pair::default();
    for left in 0..entries {
        for right in left + 1..entries {
            pair.set(scores.row(left), scores.row(right));
            let sum = pair.sums(&lanes, 0)[0];
            p[left * entries + right] = sum.p_plus(test.method);
            p[right * entries + left] = sum.turned().p_plus(test.method);
        }
    }
    p
}

/// Decides as `p_plus(method) <= alpha` does, mostly without p.
struct Cut {
    test: Test,
    /// Of z: above is significant, below is not; between the two, p decides.
    above: f64,
    below: f64,
}

impl Cut {
    fn new(test: &Test) -> Self {
        let (mut below, mut above) = (0.0, 40.0);
        while above - below > 1e-6 {
            let middle = f64::midpoint(below, above);
            if upper_tail(middle) <= test.alpha {
                above = middle;
            } else {
                below = middle;
            }
        }
        Self {
            test: *test,
            above: above + 1e-6,
            below: (below - 1e-6).max(0.0),
        }
    }

    /// Whether the one side is better, and whether the other is.
    fn decide(&self, sum: Sum) -> [bool; 2] {
        let is_counted = self.test.method == Method::Auto && sum.is_counted();
        // From a half on, also sums below the mean are significant.
        if sum.n == 0 || is_counted || self.test.alpha >= 0.5 {
            let is_significant = |sum: Sum| sum.p_plus(self.test.method) <= self.test.alpha;
            return [is_significant(sum), is_significant(sum.turned())];
        }
        // Only the side with the larger sum can be.
        let is_left = 2 * sum.twice_plus > sum.n * (sum.n + 1);
        let larger = if is_left { sum } else { sum.turned() };
        let is_significant = self.is_above(larger);
        [is_left && is_significant, !is_left && is_significant]
    }

    fn is_above(&self, sum: Sum) -> bool {
        let above = sum.above_mean();
        let variance = sum.variance();
        let square = above * above;
        if above <= 0.0 || square < self.below * self.below * variance {
            return false;
        }
        square > self.above * self.above * variance
            || sum.p_plus(self.test.method) <= self.test.alpha
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::draws::Draws;
    use crate::missing::Missing;
    use crate::rank::Direction;
    use crate::wilcoxon::wilcoxon;

    fn table() -> impl Strategy<Value = Vec<Vec<Option<f64>>>> {
        // Few distinct values, so that differences are zero and tie.
        let value = prop::option::weighted(0.9, (0i8..9).prop_map(|v| f64::from(v) / 4.0));
        (2usize..5, 1usize..9).prop_flat_map(move |(entries, cases)| {
            prop::collection::vec(prop::collection::vec(value.clone(), cases), entries)
        })
    }

    proptest! {
        #[test]
        fn a_walk_over_counts_is_the_test_of_the_drawn_cases(
            rows in table(), seed in any::<u64>(), alpha in 0.01f64..0.99, is_auto in any::<bool>()
        ) {
            let method = if is_auto { Method::Auto } else { Method::Normal };
            let test = Test { alpha, method };
            let scores = Scores::new(Direction::HigherIsBetter, Missing::Last, &rows).unwrap();
            let draws = Draws::seeded(seed, LANES + 3, scores.cases()).unwrap();
            let counts = Counts::of(&draws);
            let found = wins::<u16>(&test, &scores, &counts);
            prop_assert_eq!(&found, &wins::<u32>(&test, &scores, &counts));
            for draw in 0..draws.count() {
                let drawn = scores.of_cases(&draws.draw(draw)).unwrap();
                for left in 0..rows.len() {
                    let p = |right| wilcoxon(drawn.row(left), drawn.row(right), method).unwrap().p;
                    let others = (0..rows.len()).filter(|&right| right != left);
                    let wins = others.filter(|&right| p(right) <= alpha).count();
                    prop_assert_eq!(found[draw * rows.len() + left] as usize, wins);
                }
            }
        }
    }
}
