//! One number for an entry out of its cases.

use rayon::prelude::*;

use crate::counts::Counts;
use crate::exact::{Unit, Units};
use crate::scores::Scores;

/// How the cases of an entry become one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Aggregate {
    /// The sum, rounded once, divided by the number of cases: equal entries tie whatever the order
    /// of their cases.
    #[default]
    Mean,
    /// The middle value, or midway between the middle two.
    Median,
}

/// A metric laid out so that an entry is aggregated over any draw in one pass.
enum Aggregated {
    Mean(Means),
    Median(Medians),
}

impl Aggregated {
    fn of(&self, entry: usize, counts: &[u32], total: i64) -> f64 {
        match self {
            Self::Mean(means) => means.of(entry, counts, total),
            Self::Median(medians) => medians.of(entry, counts, total),
        }
    }
}

/// Each entry's number in each draw, `[draw * entries + entry]`; more is better, NaN is missing.
pub(crate) fn aggregate(aggregate: Aggregate, scores: &Scores, counts: &Counts) -> Vec<f64> {
    let aggregated = match aggregate {
        Aggregate::Mean => Aggregated::Mean(Means::new(scores, counts.longest)),
        Aggregate::Median => Aggregated::Median(Medians::new(scores)),
    };
    let mut out = vec![0.0; counts.draws() * scores.entries()];
    let draws = out.par_chunks_mut(scores.entries().max(1)).enumerate();
    draws.for_each(|(at, out)| {
        let counts = counts.draw(at);
        let total = counts.iter().map(|&count| i64::from(count)).sum();
        for (entry, out) in out.iter_mut().enumerate() {
            *out = aggregated.of(entry, counts, total);
        }
    });
    out
}

struct Means {
    unit: Unit,
    is_excluding: bool,
    cases: usize,
    high: Vec<i64>,
    low: Vec<i64>,
    /// By entry: cases whose value is missing or infinite.
    odd: Vec<Vec<(usize, f64)>>,
}

impl Means {
    fn new(scores: &Scores, longest: usize) -> Self {
        let rows = || (0..scores.entries()).map(|entry| scores.row(entry));
        let unit = Unit::new(rows().flatten().copied(), longest.max(1) as u64);
        let finite = |value: &f64| if value.is_finite() { *value } else { 0.0 };
        let units: Vec<Units> = rows()
            .flatten()
            .map(|value| unit.of(finite(value)))
            .collect();
        let odd = |row: &[f64]| {
            let cases = row.iter().copied().enumerate();
            cases.filter(|(_, value)| !value.is_finite()).collect()
        };
        Self {
            unit,
            is_excluding: scores.is_excluding(),
            cases: scores.cases(),
            high: units.iter().map(|units| units.high).collect(),
            low: units.iter().map(|units| units.low).collect(),
            odd: rows().map(odd).collect(),
        }
    }

    fn of(&self, entry: usize, counts: &[u32], total: i64) -> f64 {
        let mut infinite = 0.0;
        let mut present = total;
        for &(case, value) in self.odd[entry].iter().filter(|(case, _)| counts[*case] > 0) {
            if !value.is_nan() {
                infinite += value;
            } else if self.is_excluding {
                present -= i64::from(counts[case]);
            } else {
                return f64::NAN;
            }
        }
        if present == 0 {
            return f64::NAN;
        }
        if infinite != 0.0 {
            return infinite; // NaN where both kinds met
        }
        let row = entry * self.cases..(entry + 1) * self.cases;
        let mut sum = Units::default();
        for ((high, low), count) in self.high[row.clone()]
            .iter()
            .zip(&self.low[row])
            .zip(counts)
        {
            sum.high += high * i64::from(*count);
            sum.low += low * i64::from(*count);
        }
        self.unit.mean(sum, present as f64)
    }
}

struct Medians {
    /// By entry: its values, lowest first, each with its case.
    sorted: Vec<Vec<(f64, usize)>>,
    /// By entry: cases without a value, if those stand before all others.
    missing: Vec<Vec<usize>>,
}

impl Medians {
    fn new(scores: &Scores) -> Self {
        let rows = || (0..scores.entries()).map(|entry| scores.row(entry));
        let sorted = |row: &[f64]| {
            let cases = row.iter().copied().zip(0..);
            let mut present: Vec<_> = cases.filter(|(value, _)| !value.is_nan()).collect();
            present.sort_by(|(a, _), (b, _)| a.total_cmp(b));
            present
        };
        let missing = |row: &[f64]| (0..row.len()).filter(|&case| row[case].is_nan()).collect();
        Self {
            sorted: rows().map(sorted).collect(),
            missing: if scores.is_excluding() {
                vec![Vec::new(); scores.entries()]
            } else {
                rows().map(missing).collect()
            },
        }
    }

    fn of(&self, entry: usize, counts: &[u32], total: i64) -> f64 {
        let sorted = &self.sorted[entry];
        let missing: i64 = self.missing[entry]
            .iter()
            .map(|&case| i64::from(counts[case]))
            .sum();
        let is_complete = sorted.len() + self.missing[entry].len() == counts.len();
        let count = if is_complete {
            total
        } else {
            sorted
                .iter()
                .map(|&(_, case)| i64::from(counts[case]))
                .sum()
        };
        if count == 0 || (count - 1) / 2 < missing {
            return f64::NAN;
        }
        let mut before = missing;
        let mut lower = None;
        for &(value, case) in sorted {
            before += i64::from(counts[case]);
            if before > (count - 1) / 2 {
                let lower = *lower.get_or_insert(value);
                if before > count / 2 {
                    return lower.midpoint(value);
                }
            }
        }
        f64::NAN
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::missing::Missing;
    use crate::rank::Direction;

    const INFINITE: f64 = f64::INFINITY;
    const NONE: f64 = f64::NAN;

    fn of(aggregate: Aggregate, missing: Missing, row: &[f64]) -> Option<f64> {
        let rows = [row.iter().copied().map(Some).collect::<Vec<_>>()];
        let scores = Scores::new(Direction::HigherIsBetter, missing, &rows).unwrap();
        let out = super::aggregate(aggregate, &scores, &Counts::once(row.len()));
        (!out[0].is_nan()).then_some(out[0])
    }

    #[test]
    fn means_and_medians_of_what_is_there() {
        let mean = |row: &[f64]| of(Aggregate::Mean, Missing::Last, row);
        let median = |row: &[f64]| of(Aggregate::Median, Missing::Last, row);
        assert_eq!(mean(&[0.1, 0.2, 0.6]), Some(0.3));
        assert_eq!(median(&[0.6, 0.1, 0.2]), Some(0.2));
        assert_eq!(median(&[0.6, 0.1, 0.2, 0.4]), Some(0.2f64.midpoint(0.4)));
        assert_eq!((mean(&[]), median(&[])), (None, None));
        assert_eq!((mean(&[-0.0]), median(&[5.0])), (Some(0.0), Some(5.0)));
    }

    #[test]
    fn a_missing_value_is_the_worst_or_nothing() {
        let row = [0.4, NONE, 0.2, 0.9];
        let mean = |missing| of(Aggregate::Mean, missing, &row);
        let median = |missing, row: &[f64]| of(Aggregate::Median, missing, row);
        assert_eq!(mean(Missing::Last), None);
        assert_eq!(mean(Missing::Worst(0.0)), Some(0.375));
        assert_eq!(mean(Missing::Excluded), Some(0.5));
        assert_eq!(median(Missing::Last, &row), Some(0.2f64.midpoint(0.4)));
        assert_eq!(median(Missing::Last, &[NONE, 0.7, NONE]), None);
        assert_eq!(median(Missing::Last, &[NONE, 0.7]), None);
        assert_eq!(median(Missing::Excluded, &row), Some(0.4));
        assert_eq!(median(Missing::Excluded, &[NONE, NONE]), None);
        assert_eq!(of(Aggregate::Mean, Missing::Excluded, &[NONE]), None);
    }

    #[test]
    fn an_infinite_value_makes_the_mean_infinite_and_both_kinds_make_it_missing() {
        let mean = |row: &[f64]| of(Aggregate::Mean, Missing::Excluded, row);
        assert_eq!(mean(&[INFINITE, 1.0, NONE]), Some(INFINITE));
        assert_eq!(mean(&[-INFINITE, 1.0]), Some(-INFINITE));
        assert_eq!(mean(&[-INFINITE, INFINITE]), None);
        let median = |row: &[f64]| of(Aggregate::Median, Missing::Last, row);
        assert_eq!(median(&[-INFINITE, 3.0, INFINITE]), Some(3.0));
        assert_eq!(median(&[-INFINITE, INFINITE]), None);
    }
}
