//! Values and times as pages write them.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use molar_domain::metric::Metric;

use crate::digits;
use crate::rows::intervals::Interval;

/// A dash where there is none.
pub fn number(value: Option<f64>, name: &str) -> String {
    let metric = name.parse::<Metric>();
    match (value, metric) {
        (None, _) => "–".to_owned(),
        // Seconds tell apart what a board ranks apart, also where all are quick.
        (Some(value), Ok(Metric::RunningTime)) if value < 10.0 => format!("{value:.2}"),
        (Some(value), Ok(metric)) => format!("{value:.*}", metric.decimals()),
        (Some(value), Err(_)) => value.to_string(),
    }
}

/// Around a mean. Of what a run used it has no digit more than is told, but for those who see everything.
pub fn deviation(sd: f64, name: &str, is_exact: bool) -> String {
    let told = name.parse::<Metric>().ok().filter(|_| !is_exact);
    match told.and_then(|metric| digits::decimals(&metric)) {
        Some(decimals) => format!("± {sd:.*}", usize::from(decimals)),
        None => format!("± {}", number(Some(sd), name)),
    }
}

/// Between two draws a bound is interpolated; no digit of that says anything.
pub fn interval(of: Interval) -> String {
    let bound = |value: f64| (value * 10.0).round() / 10.0;
    format!("{}–{}", bound(of.from), bound(of.to))
}

pub fn moment(at: DateTime<Utc>, zone: Tz) -> String {
    at.with_timezone(&zone)
        .format("%-d %B %Y, %H:%M %Z")
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_has_a_digit_behind_the_point_where_that_says_something() {
        let written = |from, to| interval(Interval { from, to });
        assert_eq!(written(1.0, 3.0), "1–3");
        assert_eq!(written(1.975_000_000_000_022_7, 2.5), "2–2.5");
    }

    #[test]
    fn a_deviation_has_the_digits_that_are_told_of_single_cases() {
        assert_eq!(deviation(0.3, "running_time_s", false), "± 0.3");
        assert_eq!(deviation(0.35, "running_time_s", true), "± 0.35");
        assert_eq!(deviation(103.0, "gpu_memory_area_mib_s", false), "± 103");
        assert_eq!(deviation(0.25, "IA", false), "± 0.2500");
    }
}
