//! How far each entry is ahead of a baseline.

use std::collections::BTreeMap;

use molar_domain::metric::Metric;

use super::view::{BaselineRow, Row};

/// In percentage points, above zero where the entry is better; only of metrics that lie between 0 and 1.
pub fn add(rows: &mut [Row], baseline: &BaselineRow) {
    for row in rows {
        let gain = |(name, value): (&String, &Option<f64>)| {
            let of_baseline = baseline.values.get(name).copied().flatten()?;
            Some((name.clone(), gain(name, (*value)?, of_baseline)?))
        };
        row.gains = row
            .values
            .iter()
            .filter_map(gain)
            .collect::<BTreeMap<_, _>>();
    }
}

fn gain(metric: &str, value: f64, baseline: f64) -> Option<f64> {
    let metric: Metric = metric.parse().ok()?;
    let points = (value - baseline) * 100.0;
    // What has no unit is a share; the rest is in seconds, millimetres and the like.
    metric
        .unit()
        .is_none()
        .then_some(match metric.is_higher_better() {
            true => points,
            false => -points,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gain_is_in_points_and_only_of_shares() {
        let dsc = gain("image_DSC", 0.875, 0.75).unwrap();
        assert!((dsc - 12.5).abs() < 1e-9);
        assert!(gain("IA", 0.25, 0.5).unwrap() < 0.0);
        for metric in ["running_time_s", "image_HD95", "no_such"] {
            assert_eq!(gain(metric, 1.0, 2.0), None, "{metric}");
        }
    }
}
