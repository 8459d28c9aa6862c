//! Sums without rounding: the same in whatever order and however often a value is counted.
//!
//! Floating sums depend on the order of the cases, so equal entries would stop to tie. Here values
//! become integers in two parts of one unit; a sum is rounded once, at its end.

/// The unit of a column.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Unit {
    /// Every value is below 2^exponent.
    exponent: i32,
    /// Of each of the two parts.
    bits: i32,
}

/// A value, or a sum of values, in units.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Units {
    pub high: i64,
    pub low: i64,
}

impl Unit {
    /// For sums of up to `terms` of these values; those that are not finite are passed over.
    ///
    /// Of 200 terms, a part has 54 bits: whatever is above 2^-55 of the largest value is summed
    /// exactly, what is below is rounded to 2^-108 of it.
    pub fn new(values: impl Iterator<Item = f64>, terms: u64) -> Self {
        let largest = values.filter(|value| value.is_finite()).map(f64::abs);
        let largest = largest.fold(0.0, f64::max);
        let biased = ((largest.to_bits() >> 52) & 0x7ff) as i32;
        Self {
            exponent: biased.max(1) - 1022,
            bits: 62 - (64 - terms.leading_zeros() as i32),
        }
    }

    pub fn of(self, value: f64) -> Units {
        let scaled = times_power(value, self.bits - self.exponent);
        let high = scaled.trunc();
        let low = times_power(scaled - high, self.bits).round_ties_even();
        Units {
            high: high as i64,
            low: low as i64,
        }
    }

    /// The sum, rounded, divided by `count`, rounded: as `math.fsum(values) / count`.
    pub fn mean(self, sum: Units, count: f64) -> f64 {
        let sum = (i128::from(sum.high) << self.bits) + i128::from(sum.low);
        times_power(sum as f64 / count, self.exponent - 2 * self.bits)
    }
}

/// The arithmetic mean: the sum rounded once, divided by how many there are, rounded, as Python's
/// `math.fsum(values) / len(values)`. The order of the values changes no digit.
///
/// None of nothing. An infinity makes it infinite; NaN, or both infinities, make it NaN.
pub fn mean(values: &[f64]) -> Option<f64> {
    if values.is_empty() {
        return None;
    }
    let odd = values.iter().filter(|value| !value.is_finite());
    if let Some(odd) = odd.copied().reduce(|sum, value| sum + value) {
        return Some(odd);
    }
    let unit = Unit::new(values.iter().copied(), values.len() as u64);
    let sum = values.iter().fold(Units::default(), |sum, &value| {
        let value = unit.of(value);
        Units {
            high: sum.high + value.high,
            low: sum.low + value.low,
        }
    });
    Some(unit.mean(sum, values.len() as f64))
}

/// In two steps, since 2^power alone may be out of range.
fn times_power(value: f64, power: i32) -> f64 {
    let half = power / 2;
    value * 2f64.powi(half) * 2f64.powi(power - half)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    fn mean(values: &[f64]) -> f64 {
        super::mean(values).unwrap()
    }

    #[test]
    fn of_nothing_there_is_no_mean_and_of_what_is_not_finite_none_that_is() {
        assert_eq!(super::mean(&[]), None);
        assert_eq!(mean(&[1.0, f64::INFINITY]), f64::INFINITY);
        assert_eq!(mean(&[f64::NEG_INFINITY, 1e300]), f64::NEG_INFINITY);
        assert!(mean(&[f64::INFINITY, f64::NEG_INFINITY]).is_nan());
        assert!(mean(&[f64::NAN, 1.0]).is_nan());
    }

    #[test]
    fn what_floating_sums_lose_is_kept() {
        assert_eq!(mean(&[0.1; 10]), 0.1);
        assert_eq!(
            mean(&[1.0, 2f64.powi(-90), -1.0, 2f64.powi(-90)]),
            2f64.powi(-91)
        );
        assert_eq!(mean(&[f64::MAX, f64::MAX]), f64::MAX);
        assert_eq!(
            mean(&[f64::MIN_POSITIVE, f64::MIN_POSITIVE]),
            f64::MIN_POSITIVE
        );
        assert_eq!(mean(&[0.0, -0.0]), 0.0);
        assert_eq!(mean(&[27_987.9, 7_341.12, -27_987.9]), 7_341.12 / 3.0);
    }

    proptest! {
        #[test]
        fn the_order_changes_nothing(
            (given, shuffled) in prop::collection::vec(-1e6f64..1e6, 1..40)
                .prop_flat_map(|values| (Just(values.clone()), Just(values).prop_shuffle()))
        ) {
            prop_assert_eq!(mean(&given), mean(&shuffled));
            let plain = given.iter().sum::<f64>() / given.len() as f64;
            prop_assert!((mean(&given) - plain).abs() <= 1e-9);
        }
    }
}
