//! Moments as places, with round dates.

use chrono::{DateTime, Datelike, Utc};

use crate::axis::Scale;
use crate::canvas::Canvas;
use crate::font::SMALL;
use crate::ink::Tone;

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;
const STEPS: [i64; 13] = [
    HOUR,
    2 * HOUR,
    6 * HOUR,
    12 * HOUR,
    DAY,
    2 * DAY,
    7 * DAY,
    14 * DAY,
    30 * DAY,
    91 * DAY,
    182 * DAY,
    365 * DAY,
    3652 * DAY,
];

/// A date as it stands in a sentence: `3 Mar 2026`.
pub(crate) fn date(at: DateTime<Utc>) -> String {
    at.format("%-d %b %Y").to_string()
}

/// Round moments in UTC from one second to another, at most about `most`, and their labels.
pub(crate) fn ticks(from: i64, to: i64, most: usize) -> Vec<(i64, String)> {
    let span = to.saturating_sub(from).max(1);
    let most = most.max(1) as i64;
    let fits = STEPS.into_iter().find(|step| span / step <= most);
    let step = fits.unwrap_or(span / most + 1);
    let first = from.div_euclid(step) + i64::from(from.rem_euclid(step) > 0);
    let last = to.div_euclid(step);
    let seconds = (first..=last).map(|n| n.saturating_mul(step));
    let moments = seconds.filter_map(|s| Some((s, DateTime::from_timestamp(s, 0)?)));
    let is_one_year = |a: i64, b: i64| year(a) == year(b);
    let format = match step {
        step if step < DAY => "%-d %b %H:%M",
        step if step >= 365 * DAY => "%Y",
        step if step < 30 * DAY && is_one_year(from, to) => "%-d %b",
        _ => "%-d %b %y",
    };
    moments
        .map(|(s, at)| (s, at.format(format).to_string()))
        .collect()
}

fn year(seconds: i64) -> i32 {
    DateTime::from_timestamp(seconds, 0).map_or(0, |at| at.year())
}

/// Lines down from `top` with dates below `bottom`; gives where they end.
pub(crate) fn draw_below(canvas: &mut Canvas<'_>, scale: &Scale, (top, bottom): (f64, f64)) -> f64 {
    let (from, to) = (scale.lo as i64, scale.hi as i64);
    let most = ((scale.to - scale.from) / 92.0) as usize;
    for (at, label) in ticks(from, to, most) {
        let x = scale.at(at as f64);
        canvas.rule((x, top), (x, bottom + 4.0), Tone::Line);
        canvas.text(x, bottom + 17.0, SMALL.middle(), &label);
    }
    bottom + 22.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(from: &str, to: &str, most: usize) -> Vec<String> {
        let seconds = |at: &str| at.parse::<DateTime<Utc>>().unwrap().timestamp();
        let ticks = ticks(seconds(from), seconds(to), most).into_iter();
        ticks.map(|(_, label)| label).collect()
    }

    #[test]
    fn dates_are_round_and_few() {
        let days = labels("2026-03-01T15:00:00Z", "2026-03-09T08:00:00Z", 4);
        assert_eq!(days, ["2 Mar", "4 Mar", "6 Mar", "8 Mar"]);
        let hours = labels("2026-03-01T11:59:00Z", "2026-03-01T15:00:00Z", 4);
        assert_eq!(
            hours,
            ["1 Mar 12:00", "1 Mar 13:00", "1 Mar 14:00", "1 Mar 15:00"]
        );
        let years = labels("2026-11-01T00:00:00Z", "2027-01-20T00:00:00Z", 3);
        assert!(
            years.len() <= 4
                && years
                    .iter()
                    .all(|label| label.ends_with('6') || label.ends_with('7')),
            "{years:?}"
        );
    }

    #[test]
    fn no_time_and_all_of_it_have_few_ticks() {
        assert!(ticks(0, 0, 3).len() <= 1);
        let (from, to) = (DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC);
        let all = ticks(from.timestamp(), to.timestamp(), 5);
        assert!(all.len() <= 6, "{all:?}");
    }
}
