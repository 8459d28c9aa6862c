//! Where labels find room beside what they name.

use crate::font::Anchor;

#[derive(Debug, Clone, Copy)]
struct Area {
    left: f64,
    top: f64,
    right: f64,
    bottom: f64,
}

impl Area {
    fn meets(&self, other: &Self) -> bool {
        self.left < other.right
            && other.left < self.right
            && self.top < other.bottom
            && other.top < self.bottom
    }

    fn holds(&self, other: &Self) -> bool {
        self.left <= other.left
            && other.right <= self.right
            && self.top <= other.top
            && other.bottom <= self.bottom
    }
}

/// What is taken of an area.
#[derive(Debug)]
pub(crate) struct Placing {
    whole: Area,
    taken: Vec<Area>,
}

/// Where a label stands: its baseline and which end of it.
pub(crate) type Place = (f64, f64, Anchor);

impl Placing {
    pub fn new((left, top): (f64, f64), (right, bottom): (f64, f64)) -> Self {
        Self {
            whole: Area {
                left,
                top,
                right,
                bottom,
            },
            taken: Vec::new(),
        }
    }

    /// Keeps labels off a point.
    pub fn keep_off(&mut self, x: f64, y: f64, r: f64) {
        self.taken.push(Area {
            left: x - r,
            top: y - r,
            right: x + r,
            bottom: y + r,
        });
    }

    /// Keeps labels off a line that runs across or up.
    pub fn keep_off_line(&mut self, from: (f64, f64), to: (f64, f64)) {
        self.taken.push(Area {
            left: from.0.min(to.0) - 1.0,
            top: from.1.min(to.1) - 1.0,
            right: from.0.max(to.0) + 1.0,
            bottom: from.1.max(to.1) + 1.0,
        });
    }

    /// Takes the first free place beside a point, if any: right, left, above, below, then aslant.
    pub fn place(&mut self, (x, y): (f64, f64), gap: f64, width: f64, size: f64) -> Option<Place> {
        use Anchor::{End, Middle, Start};
        let places = [
            (x + gap, y + size * 0.36, Start),
            (x - gap, y + size * 0.36, End),
            (x, y - gap - 1.0, Middle),
            (x, y + gap + size * 0.8, Middle),
            (x + gap * 0.6, y - gap * 0.7, Start),
            (x + gap * 0.6, y + gap * 0.7 + size * 0.7, Start),
            (x - gap * 0.6, y - gap * 0.7, End),
            (x - gap * 0.6, y + gap * 0.7 + size * 0.7, End),
        ];
        let area = |(x, y, anchor): Place| {
            let left = match anchor {
                Start => x,
                Middle => x - width / 2.0,
                End => x - width,
            };
            Area {
                left,
                top: y - size * 0.85,
                right: left + width,
                bottom: y + size * 0.25,
            }
        };
        let place = places.into_iter().find(|place| {
            let area = area(*place);
            self.whole.holds(&area) && !self.taken.iter().any(|taken| taken.meets(&area))
        })?;
        self.taken.push(area(place));
        Some(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_do_not_meet_and_stay_inside() {
        let mut placing = Placing::new((0.0, 0.0), (100.0, 100.0));
        let first = placing.place((50.0, 50.0), 6.0, 30.0, 10.0).unwrap();
        assert_eq!(first.2, Anchor::Start);
        let second = placing.place((50.0, 52.0), 6.0, 30.0, 10.0).unwrap();
        assert_eq!(second.2, Anchor::End);
        // No room to the right of the edge.
        assert_eq!(
            placing.place((95.0, 10.0), 6.0, 30.0, 10.0).unwrap().2,
            Anchor::End
        );
        assert!(placing.place((50.0, 50.0), 6.0, 130.0, 10.0).is_none());
    }

    #[test]
    fn a_point_is_not_covered() {
        let mut placing = Placing::new((0.0, 0.0), (100.0, 100.0));
        placing.keep_off(66.0, 50.0, 4.0);
        let place = placing.place((50.0, 50.0), 6.0, 30.0, 10.0).unwrap();
        assert_eq!(place.2, Anchor::End);
    }
}
