//! Values and times as pages write them.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use molar_domain::metric::Metric;

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

/// Between two draws a bound is interpolated; no digit of that says anything.
pub fn interval(of: Interval) -> String {
    let bound = |value: f64| (value * 10.0).round() / 10.0;
    format!("{}–{}", bound(of.from), bound(of.to))
}

pub fn is_of_run(name: &str) -> bool {
    name.parse::<Metric>()
        .is_ok_and(|metric| metric.is_of_run())
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
}
