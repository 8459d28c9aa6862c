//! The legend of a colour scale.

use crate::axis::Scale;
use crate::canvas::Canvas;
use crate::font::{BODY, SMALL};
use crate::ink::scale;
use crate::quantity::{Better, Quantity};

const PIECES: usize = 44;
const HIGH: f64 = 12.0;

/// The colour of a value: what is better is brighter.
pub(crate) fn share(quantity: &Quantity<'_>, (lo, hi): (f64, f64), value: f64) -> f64 {
    let share = ((value - lo) / (hi - lo)).clamp(0.0, 1.0);
    match quantity.better {
        Better::Higher => share,
        Better::Lower => 1.0 - share,
    }
}

/// A bar with values; gives where it ends.
pub(crate) fn draw(
    canvas: &mut Canvas<'_>,
    quantity: &Quantity<'_>,
    ends: (f64, f64),
    (x, y): (f64, f64),
    wide: f64,
) -> f64 {
    canvas.name(x, y + 11.0, BODY, wide, &quantity.label());
    let top = y + 19.0;
    let piece = wide / PIECES as f64;
    for at in 0..PIECES {
        let part = (at as f64 + 0.5) / PIECES as f64;
        let colour = match quantity.better {
            Better::Higher => scale(part),
            Better::Lower => scale(1.0 - part),
        };
        // A little over the next, so that no seam is seen.
        let over = if at + 1 < PIECES { 0.6 } else { 0.0 };
        canvas
            .rect(x + at as f64 * piece, top, piece + over, HIGH)
            .fill(colour)
            .put();
    }
    let (lo, hi) = ends;
    let places = Scale {
        lo,
        hi,
        from: x,
        to: x + wide,
        is_log: false,
    };
    for (value, label) in places.ticks((wide / 60.0) as usize) {
        canvas.text(places.at(value), top + HIGH + 14.0, SMALL.middle(), &label);
    }
    top + HIGH + 20.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_better_is_brighter() {
        let ends = (2.0, 4.0);
        let of = |quantity: Quantity<'_>, value| share(&quantity, ends, value);
        assert_eq!(of(Quantity::higher_is_better("Dice"), 3.5), 0.75);
        assert_eq!(of(Quantity::lower_is_better("HD95"), 3.5), 0.25);
        assert_eq!(of(Quantity::higher_is_better("Dice"), 9.0), 1.0);
    }
}
