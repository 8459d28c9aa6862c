//! Pages of submissions, rendered here and readable without JavaScript.

pub mod actions;
mod cases;
pub mod console;
mod curves;
mod failures;
pub mod index;
pub mod life;
pub mod new;
mod plot;
pub mod submission;
mod teeth;
mod wanted;
#[cfg(test)]
mod worst_first;
#[cfg(test)]
mod written;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use molar_domain::FailureCode;

/// In the challenge's zone, which it names.
fn moment(at: DateTime<Utc>, zone: Tz) -> String {
    at.with_timezone(&zone)
        .format("%-d %b %Y, %H:%M:%S %Z")
        .to_string()
}

pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["bytes", "KiB", "MiB", "GiB"];
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    if unit == 0 {
        format!("{bytes} bytes")
    } else {
        let value = format!("{value:.1}");
        format!("{} {}", value.trim_end_matches(".0"), UNITS[unit])
    }
}

/// A code and what to do about it, for the eye.
fn advice(code: Option<&str>) -> Option<&'static str> {
    let code: FailureCode = code?.parse().ok()?;
    Some(code.advice())
}

#[cfg(test)]
mod tests {
    #[test]
    fn sizes_are_read_at_a_glance() {
        assert_eq!(super::size(1023), "1023 bytes");
        assert_eq!(super::size(1536), "1.5 KiB");
        assert_eq!(super::size(30 << 30), "30 GiB");
    }
}
