//! Values and times as pages write them.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use molar_domain::metric::Metric;

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

pub fn is_of_run(name: &str) -> bool {
    name.parse::<Metric>()
        .is_ok_and(|metric| metric.is_of_run())
}

pub fn moment(at: DateTime<Utc>, zone: Tz) -> String {
    at.with_timezone(&zone)
        .format("%-d %B %Y, %H:%M %Z")
        .to_string()
}
