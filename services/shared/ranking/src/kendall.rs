//! How much two rankings agree.

use crate::error::Error;

/// Kendall's τ-b of two rankings: 1 where they agree, −1 where one is the other turned round.
///
/// (C − D) / √((n₀ − n₁)(n₀ − n₂)), with C concordant and D discordant pairs, n₀ all pairs, n₁ and
/// n₂ those tied in either (Kendall 1945, *The Treatment of Ties in Ranking Problems*). `None`
/// where it is not defined: fewer than two places, or all of one ranking tied. Places that either
/// lacks (`None`, NaN) are left out. Counted in n log n steps (Knight 1966). Fails if the lengths
/// differ.
pub fn kendall_tau_b(left: &[Option<f64>], right: &[Option<f64>]) -> Result<Option<f64>, Error> {
    if left.len() != right.len() {
        return Err(Error::Lengths {
            left: left.len(),
            right: right.len(),
        });
    }
    let places = left.iter().zip(right);
    let mut both: Vec<(f64, f64)> = places.filter_map(|(&l, &r)| Some((l?, r?))).collect();
    both.retain(|(l, r)| !l.is_nan() && !r.is_nan());
    Ok(tau_b(&mut both))
}

/// Of pairs without NaN, which are left in another order.
pub(crate) fn tau_b(both: &mut [(f64, f64)]) -> Option<f64> {
    let order = |a: &f64, b: &f64| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal);
    both.sort_unstable_by(|a, b| order(&a.0, &b.0).then(order(&a.1, &b.1)));
    let tied_left = tied(both.chunk_by(|a, b| a.0 == b.0));
    let tied_both = tied(both.chunk_by(|a, b| a == b));

    let mut right: Vec<f64> = both.iter().map(|pair| pair.1).collect();
    let mut spare = right.clone();
    let discordant = swaps(&mut right, &mut spare);
    let tied_right = tied(right.chunk_by(|a, b| a == b));

    let all = pairs(both.len());
    let concordant = all + tied_both - tied_left - tied_right - discordant;
    let apart = ((all - tied_left) as f64 * (all - tied_right) as f64).sqrt();
    // Two exact integers below 2^53, but the root may round across 1.
    (apart > 0.0).then(|| ((concordant as f64 - discordant as f64) / apart).clamp(-1.0, 1.0))
}

fn pairs(n: usize) -> u64 {
    let n = n as u64;
    n * n.saturating_sub(1) / 2
}

fn tied<'a, T: 'a>(groups: impl Iterator<Item = &'a [T]>) -> u64 {
    groups.map(|group| pairs(group.len())).sum()
}

/// Sorts by merging; returns how many pairs stood in the wrong order.
fn swaps(values: &mut [f64], spare: &mut [f64]) -> u64 {
    let middle = values.len() / 2;
    if middle == 0 {
        return 0;
    }
    let mut count = swaps(&mut values[..middle], &mut spare[..middle]);
    count += swaps(&mut values[middle..], &mut spare[middle..]);
    spare.copy_from_slice(values);
    let (left, right) = spare.split_at(middle);
    let (mut l, mut r) = (0, 0);
    for place in values.iter_mut() {
        if r == right.len() || (l < left.len() && left[l] <= right[r]) {
            *place = left[l];
            l += 1;
        } else {
            *place = right[r];
            r += 1;
            count += (left.len() - l) as u64;
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tau(left: &[f64], right: &[f64]) -> Option<f64> {
        let some = |values: &[f64]| values.iter().copied().map(Some).collect::<Vec<_>>();
        kendall_tau_b(&some(left), &some(right)).unwrap()
    }

    /// The definition, pair by pair.
    fn by_pairs(left: &[f64], right: &[f64]) -> Option<f64> {
        let (mut score, mut apart_left, mut apart_right) = (0.0, 0.0, 0.0);
        for a in 0..left.len() {
            for b in 0..a {
                let sign = |v: &[f64]| (v[a] > v[b]) as i8 as f64 - (v[a] < v[b]) as i8 as f64;
                score += sign(left) * sign(right);
                apart_left += sign(left).abs();
                apart_right += sign(right).abs();
            }
        }
        let apart: f64 = apart_left * apart_right;
        (apart > 0.0).then(|| score / apart.sqrt())
    }

    #[test]
    fn the_same_is_one_the_reverse_is_minus_one_and_nothing_to_compare_is_none() {
        assert_eq!(tau(&[1.0, 2.0, 3.0], &[10.0, 20.0, 30.0]), Some(1.0));
        assert_eq!(tau(&[1.0, 2.0, 3.0], &[3.0, 2.0, 1.0]), Some(-1.0));
        assert_eq!(tau(&[1.0, 1.0, 3.0], &[1.0, 1.0, 3.0]), Some(1.0));
        assert_eq!(tau(&[1.0, 1.0], &[1.0, 2.0]), None);
        assert_eq!(tau(&[1.0], &[1.0]), None);
        assert_eq!(tau(&[], &[]), None);
    }

    #[test]
    fn places_that_one_ranking_lacks_are_left_out() {
        let left = [Some(1.0), Some(2.0), None, Some(3.0)];
        let right = [Some(2.0), Some(1.0), Some(9.0), Some(f64::NAN)];
        assert_eq!(kendall_tau_b(&left, &right), Ok(Some(-1.0)));
        assert!(kendall_tau_b(&left, &[]).is_err());
    }

    proptest! {
        #[test]
        fn counting_by_merging_is_counting_pair_by_pair(
            places in prop::collection::vec((0i8..6, 0i8..6), 0..30)
        ) {
            let (left, right): (Vec<_>, Vec<_>) =
                places.iter().map(|&(l, r)| (f64::from(l), f64::from(r))).unzip();
            let (found, wanted) = (tau(&left, &right), by_pairs(&left, &right));
            prop_assert_eq!(found.is_some(), wanted.is_some());
            prop_assert!((found.unwrap_or(0.0) - wanted.unwrap_or(0.0)).abs() < 1e-15);
        }
    }
}
