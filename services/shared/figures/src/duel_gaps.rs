//! The differences of two entries, sorted.

use std::fmt::Write;

use crate::axis::{Scale, range, roomy};
use crate::canvas::Canvas;
use crate::duel_point::Winner;
use crate::font::SMALL;
use crate::ink::Tone;
use crate::number::tenth;

/// A bar a case, upwards by how much the first is better; gives where it ends.
pub(crate) fn draw(
    canvas: &mut Canvas<'_>,
    label: &str,
    mut gaps: Vec<(f64, Winner)>,
    (left, top): (f64, f64),
    (wide, high): (f64, f64),
) -> f64 {
    gaps.sort_by(|a, b| b.0.total_cmp(&a.0));
    let Some(ends) = range(gaps.iter().map(|(gap, _)| *gap).chain([0.0])) else {
        return top;
    };
    let (lo, hi) = roomy(ends, 0.05);
    let (right, bottom) = (left + wide, top + high);
    let up = Scale {
        lo,
        hi,
        from: bottom,
        to: top,
        is_log: false,
    };
    up.draw_left(canvas, (left, right));
    canvas.name(left - 40.0, top - 12.0, SMALL, wide + 40.0, label);
    let each = (wide / gaps.len() as f64).min(24.0);
    let zero = up.at(0.0);
    for winner in [Winner::A, Winner::B] {
        let mut d = String::new();
        for (at, (gap, _)) in gaps
            .iter()
            .enumerate()
            .filter(|(_, (_, who))| *who == winner)
        {
            let x = left + (at as f64 + 0.5) * each;
            let _ = write!(d, "M{} {}V{}", tenth(x), tenth(zero), tenth(up.at(*gap)));
        }
        if !d.is_empty() {
            let bars = canvas.path(&d).no_fill();
            bars.stroke(winner.look().0, (each * 0.8).max(0.4)).put();
        }
    }
    canvas.rule((left, zero), (right, zero), Tone::Grey);
    let middle = (left + right) / 2.0;
    canvas.text(
        middle,
        bottom + 17.0,
        SMALL.middle(),
        "cases, by difference",
    );
    bottom + 22.0
}
