//! Times as a challenge's people read them.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use molar_web_kit::names;

use crate::phases::rows::Phase;

/// "15 September 2024, 23:59 PDT". The end of a window is exclusive: midnight is told as the last
/// minute of the day before, as people say it.
pub fn moment(at: DateTime<Utc>, zone: Tz) -> String {
    at.with_timezone(&zone)
        .format("%-d %B %Y, %H:%M %Z")
        .to_string()
}

pub fn end(at: DateTime<Utc>, zone: Tz) -> String {
    let local = at.with_timezone(&zone);
    match local.time() == chrono::NaiveTime::MIN {
        true => moment(at - TimeDelta::minutes(1), zone),
        false => moment(at, zone),
    }
}

/// When a phase opens, as far as it is known.
pub fn opens(phase: &Phase, zone: Tz, now: DateTime<Utc>) -> String {
    match phase.held_by().map(names::plain) {
        None => moment(phase.opens_at, zone),
        Some(title) if phase.opens_at <= now => format!("when “{title}” is published"),
        Some(title) => format!(
            "when “{title}” is published, not before {}",
            moment(phase.opens_at, zone)
        ),
    }
}

/// How long from now, roughly: "in 3 days", "4 hours ago".
pub fn distance(at: DateTime<Utc>, now: DateTime<Utc>) -> String {
    let seconds = (at - now).num_seconds();
    let (count, unit) = match seconds.unsigned_abs() {
        s if s < 90 * 60 => (s.div_ceil(60), "minute"),
        s if s < 36 * 3600 => (s / 3600, "hour"),
        s => (s / 86_400, "day"),
    };
    let plural = if count == 1 { "" } else { "s" };
    match seconds >= 0 {
        true => format!("in {count} {unit}{plural}"),
        false => format!("{count} {unit}{plural} ago"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_ends_in_the_evening_of_its_last_day() {
        let pacific: Tz = "America/Los_Angeles".parse().unwrap();
        let closes = "2024-09-16T07:00:00Z".parse().unwrap();
        assert_eq!(end(closes, pacific), "15 September 2024, 23:59 PDT");
        assert_eq!(moment(closes, pacific), "16 September 2024, 00:00 PDT");
        let now = closes - TimeDelta::hours(50);
        assert_eq!(distance(closes, now), "in 2 days");
        assert_eq!(distance(now, now + TimeDelta::minutes(1)), "1 minute ago");
    }
}
