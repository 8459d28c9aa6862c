//! How the values of an entry's cases lie around their mean.

use serde::{Deserialize, Serialize};

/// Over the cases of one metric, at least two.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Spread {
    /// Standard deviation, with n - 1 below.
    pub sd: f64,
    /// First quartile; between two values it is interpolated, as NumPy and type 7 of R do.
    pub q1: f64,
    /// Third quartile.
    pub q3: f64,
}

impl Spread {
    pub fn of(mut values: Vec<f64>) -> Option<Self> {
        if values.len() < 2 {
            return None;
        }
        values.sort_unstable_by(f64::total_cmp);
        let n = values.len() as f64;
        let mean = molar_ranking::mean(&values)?;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        Some(Self {
            sd: (squares / (n - 1.0)).sqrt(),
            q1: quantile(&values, 0.25),
            q3: quantile(&values, 0.75),
        })
    }

    pub fn iqr(&self) -> f64 {
        self.q3 - self.q1
    }

    pub fn map(self, by: impl Fn(f64) -> f64) -> Self {
        Self {
            sd: by(self.sd),
            q1: by(self.q1),
            q3: by(self.q3),
        }
    }
}

/// Of values in their order.
fn quantile(values: &[f64], at: f64) -> f64 {
    let place = at * (values.len() - 1) as f64;
    let (below, part) = (place.floor(), place.fract());
    let low = values[below as usize];
    let high = values[place.ceil() as usize];
    low + (high - low) * part
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of `statistics.stdev` and `statistics.quantiles(method="inclusive")` of Python 3.
    #[test]
    fn it_is_as_another_implementation_has_it() {
        let spread = Spread::of(vec![0.9, 0.1, 0.4, 0.5, 0.75]).unwrap();
        assert!(
            (spread.sd - 0.311_448_230_047_948_75).abs() < 1e-12,
            "{spread:?}"
        );
        assert_eq!((spread.q1, spread.q3), (0.4, 0.75));
        let spread = Spread::of(vec![1.0, 2.0, 3.0, 4.0]).unwrap();
        assert_eq!((spread.q1, spread.q3, spread.iqr()), (1.75, 3.25, 1.5));
    }

    #[test]
    fn a_single_case_has_none_and_equals_have_zero() {
        assert_eq!(Spread::of(vec![0.5]), None);
        let spread = Spread::of(vec![0.5; 3]).unwrap();
        assert_eq!((spread.sd, spread.iqr()), (0.0, 0.0));
    }
}
