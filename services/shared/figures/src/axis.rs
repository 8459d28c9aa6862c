//! Scales, their round values, and how they are drawn.

use crate::canvas::Canvas;
use crate::font::SMALL;
use crate::ink::Tone;
use crate::number::{fixed, thousands};

/// From values to places. Every value is drawable, see [`crate::number::drawable`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Scale {
    pub lo: f64,
    pub hi: f64,
    pub from: f64,
    pub to: f64,
    /// Equal steps are equal factors; then `lo` is above 0.
    pub is_log: bool,
}

impl Scale {
    pub fn at(&self, value: f64) -> f64 {
        let (lo, hi, value) = match self.is_log {
            true => (self.lo.ln(), self.hi.ln(), value.max(self.lo).ln()),
            false => (self.lo, self.hi, value),
        };
        let share = (value - lo) / (hi - lo);
        self.from + share.clamp(0.0, 1.0) * (self.to - self.from)
    }

    /// Round values on it, at most about `most`, and their labels.
    pub fn ticks(&self, most: usize) -> Vec<(f64, String)> {
        match self.is_log {
            true => powers(self.lo, self.hi, most),
            false => rounds(self.lo, self.hi, most),
        }
    }

    /// The same at whole numbers alone, however few there are.
    pub fn whole_ticks(&self, most: usize) -> Vec<(f64, String)> {
        let step = step(self.lo, self.hi, most.max(2)).round().max(1.0);
        multiples(self.lo, self.hi, step)
    }

    /// Lines down from `top` with labels below `bottom`, and what it shows; gives where they end.
    pub fn draw_below(
        &self,
        canvas: &mut Canvas<'_>,
        (top, bottom): (f64, f64),
        label: &str,
    ) -> f64 {
        let room = (self.to - self.from).abs();
        for (value, text) in self.ticks((room / 62.0) as usize) {
            let x = self.at(value);
            canvas.rule((x, top), (x, bottom), Tone::Line);
            canvas.text(x, bottom + 15.0, SMALL.middle(), &text);
        }
        if !label.is_empty() {
            let middle = (self.from + self.to) / 2.0;
            canvas.name(
                middle,
                bottom + 33.0,
                SMALL.middle(),
                self.room_around(canvas.width),
                label,
            );
        }
        bottom + 38.0
    }

    /// What fits around its middle on a sheet.
    fn room_around(&self, width: f64) -> f64 {
        let middle = (self.from + self.to) / 2.0;
        2.0 * middle.min(width - middle) - 8.0
    }

    /// Lines from `left` to `right` with labels left of it.
    pub fn draw_left(&self, canvas: &mut Canvas<'_>, (left, right): (f64, f64)) {
        let room = (self.to - self.from).abs();
        for (value, text) in self.ticks((room / 40.0) as usize) {
            let y = self.at(value);
            canvas.rule((left, y), (right, y), Tone::Line);
            canvas.text(left - 6.0, y + 4.0, SMALL.end(), &text);
        }
    }
}

/// The least and the greatest, apart from each other even if all are equal; None of nothing.
pub(crate) fn range(values: impl IntoIterator<Item = f64>) -> Option<(f64, f64)> {
    let ends = values
        .into_iter()
        .fold(None, |ends: Option<(f64, f64)>, value| {
            let (lo, hi) = ends.unwrap_or((value, value));
            Some((lo.min(value), hi.max(value)))
        });
    let (lo, hi) = ends?;
    let size = lo.abs().max(hi.abs());
    if hi - lo > size * 1e-9 {
        return Some((lo, hi));
    }
    let pad = match size {
        0.0 => 1.0,
        size => size * 0.1,
    };
    Some((lo - pad, hi + pad))
}

/// The same, a little wider, so that nothing is drawn on the edge.
pub(crate) fn roomy((lo, hi): (f64, f64), share: f64) -> (f64, f64) {
    let pad = (hi - lo) * share;
    (lo - pad, hi + pad)
}

/// 1, 2 or 5 times a power of ten, so that at most `most` steps fit.
fn step(lo: f64, hi: f64, most: usize) -> f64 {
    let least = (hi - lo) / most.max(1) as f64;
    let power = 10_f64.powf(least.log10().floor());
    let steps = [1.0, 2.0, 5.0].map(|times| times * power);
    let enough = steps.into_iter().find(|step| *step >= least * (1.0 - 1e-9));
    enough.unwrap_or(10.0 * power)
}

fn rounds(lo: f64, hi: f64, most: usize) -> Vec<(f64, String)> {
    multiples(lo, hi, step(lo, hi, most.max(2)))
}

fn multiples(lo: f64, hi: f64, step: f64) -> Vec<(f64, String)> {
    let first = (lo / step - 1e-9).ceil();
    let count = ((hi / step + 1e-9).floor() - first).max(0.0) as usize;
    let values = (0..=count).map(|n| (first + n as f64) * step);
    values.map(|value| (value, label(value, step))).collect()
}

/// Powers of ten, and where these are few, 2 and 5 times them.
fn powers(lo: f64, hi: f64, most: usize) -> Vec<(f64, String)> {
    let (first, last) = (lo.log10().floor() as i32, hi.log10().ceil() as i32);
    let decades = (last - first).max(1) as usize;
    let times: &[f64] = match decades * 3 <= most.max(2) + 2 {
        true => &[1.0, 2.0, 5.0],
        false => &[1.0],
    };
    let each = decades.saturating_sub(1) / most.max(2) + 1;
    let values = (first..=last).step_by(each).flat_map(|power| {
        let power = 10_f64.powi(power);
        times.iter().map(move |times| (times * power, power))
    });
    let inside =
        values.filter(|(value, _)| *value >= lo * (1.0 - 1e-9) && *value <= hi * (1.0 + 1e-9));
    inside
        .map(|(value, power)| (value, label(value, power)))
        .collect()
}

fn label(value: f64, step: f64) -> String {
    let decimals = (-(step.log10() + 1e-9).floor()).max(0.0);
    match value.abs() {
        _ if decimals > 6.0 && value != 0.0 => format!("{value:.1e}").replace('-', "−"),
        size if (1e4..1e7).contains(&size) && decimals == 0.0 => {
            let sign = if value < 0.0 { "−" } else { "" };
            format!("{sign}{}", thousands(size.round() as usize))
        }
        _ => fixed(value, decimals.min(6.0) as usize),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(lo: f64, hi: f64, is_log: bool, most: usize) -> Vec<String> {
        let (from, to) = (0.0, 100.0);
        let scale = Scale {
            lo,
            hi,
            from,
            to,
            is_log,
        };
        let ticks = scale.ticks(most).into_iter();
        ticks.map(|(_, label)| label).collect()
    }

    #[test]
    fn ticks_are_round_and_lie_within() {
        assert_eq!(
            labels(0.71, 0.97, false, 6),
            ["0.75", "0.80", "0.85", "0.90", "0.95"]
        );
        assert_eq!(labels(-3.0, 12.0, false, 4), ["0", "5", "10"]);
        assert_eq!(labels(0.0, 90_000.0, false, 3), ["0", "50,000"]);
        assert_eq!(labels(0.8, 450.0, true, 4), ["1", "10", "100"]);
        assert_eq!(labels(3.0, 60.0, true, 9), ["5", "10", "20", "50"]);
        assert_eq!(labels(0.002, 0.03, true, 2), ["0.01"]);
    }

    #[test]
    fn whole_ticks_have_no_decimals_however_short_the_range_is() {
        let whole = |lo: f64, hi: f64| {
            let (from, to) = (0.0, 100.0);
            let scale = Scale {
                lo,
                hi,
                from,
                to,
                is_log: false,
            };
            let ticks = scale.whole_ticks(5).into_iter();
            ticks.map(|(_, label)| label).collect::<Vec<_>>()
        };
        assert_eq!(whole(1.0, 3.0), ["1", "2", "3"]);
        assert_eq!(whole(1.0, 4.0), ["1", "2", "3", "4"]);
        assert_eq!(whole(1.0, 12.0), ["5", "10"]);
    }

    #[test]
    fn extreme_ranges_have_few_ticks_and_places() {
        let ends = [
            (-1e300, 1e300),
            (0.0, 1e-300),
            (1e-300, 1e300),
            (1.0, 1.0 + 1e-8),
        ];
        for (lo, hi) in ends {
            for is_log in [false, true] {
                if is_log && lo <= 0.0 {
                    continue;
                }
                let (from, to) = (10.0, 90.0);
                let scale = Scale {
                    lo,
                    hi,
                    from,
                    to,
                    is_log,
                };
                assert!(scale.ticks(5).len() <= 8, "{lo} {hi} {is_log}");
                for value in [lo, hi, 0.0, 1e300] {
                    assert!(
                        (10.0..=90.0).contains(&scale.at(value)),
                        "{lo} {hi} {value}"
                    );
                }
            }
        }
    }

    #[test]
    fn equal_values_have_a_range() {
        assert_eq!(range([0.5, 0.5]), Some((0.45, 0.55)));
        assert_eq!(range([0.0]), Some((-1.0, 1.0)));
        assert_eq!(range([]), None);
        assert_eq!(range([3.0, 1.0]), Some((1.0, 3.0)));
    }
}
