//! Quartiles and what lies beyond them.

/// The five figures of a box, and the values it is made of.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Spread {
    pub sorted: Vec<f64>,
    pub quartiles: [f64; 3],
    /// The last values within 1.5 interquartile ranges of the box (Tukey 1977).
    pub whiskers: (f64, f64),
}

impl Spread {
    /// None of nothing.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut sorted: Vec<f64> = values.into_iter().collect();
        sorted.sort_by(f64::total_cmp);
        let quartiles = [0.25, 0.5, 0.75].map(|q| quantile(&sorted, q));
        let [low, middle, high] = quartiles;
        let (low, middle, high) = (low?, middle?, high?);
        let reach = 1.5 * (high - low);
        let from = sorted.iter().copied().find(|value| *value >= low - reach);
        let to = sorted.iter().copied().rfind(|value| *value <= high + reach);
        Some(Self {
            // Interpolated quartiles may lie beyond every value within reach.
            whiskers: (from?.min(low), to?.max(high)),
            quartiles: [low, middle, high],
            sorted,
        })
    }

    pub fn median(&self) -> f64 {
        self.quartiles[1]
    }

    pub fn is_outside(&self, value: f64) -> bool {
        value < self.whiskers.0 || value > self.whiskers.1
    }

    /// Whether the boxes have a value in common.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.quartiles[0] <= other.quartiles[2] && other.quartiles[0] <= self.quartiles[2]
    }
}

/// Linear between the two neighbours: type 7 of Hyndman and Fan (1996), the default of NumPy and R.
fn quantile(sorted: &[f64], q: f64) -> Option<f64> {
    let place = sorted.len().checked_sub(1)? as f64 * q;
    let below = sorted[place.floor() as usize];
    let above = sorted[place.ceil() as usize];
    Some(below + (above - below) * place.fract())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quartiles_are_linear_and_whiskers_end_at_a_value() {
        let spread = Spread::of([7.0, 1.0, 3.0, 2.0, 15.0, 4.0]).unwrap();
        assert_eq!(spread.quartiles, [2.25, 3.5, 6.25]);
        assert_eq!(spread.whiskers, (1.0, 7.0));
        assert!(spread.is_outside(15.0) && !spread.is_outside(7.0));
    }

    #[test]
    fn boxes_that_touch_overlap_and_those_apart_do_not() {
        let of = |values: [f64; 3]| Spread::of(values).unwrap();
        let (low, high) = (of([0.0, 2.0, 4.0]), of([2.0, 4.0, 6.0]));
        assert!(low.overlaps(&high) && high.overlaps(&low));
        let apart = of([3.0, 4.0, 6.0]);
        assert!(!low.overlaps(&apart) && !apart.overlaps(&low));
    }

    #[test]
    fn one_value_is_its_own_quartiles_and_none_has_none() {
        let one = Spread::of([2.0]).unwrap();
        assert_eq!((one.quartiles, one.whiskers), ([2.0; 3], (2.0, 2.0)));
        assert_eq!(Spread::of([]), None);
    }
}
