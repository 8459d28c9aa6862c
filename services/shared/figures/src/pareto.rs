//! Whom nobody beats in two ways at once.

use crate::number::drawable;
use crate::quantity::Quantity;

/// What an entry reaches, and at which cost.
#[derive(Debug, Clone, Copy)]
pub struct Offer<'a> {
    pub name: &'a str,
    pub gain: Option<f64>,
    pub cost: Option<f64>,
    /// Drawn apart, and never on the front.
    pub is_baseline: bool,
}

/// An offer that can be drawn.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Point<'a> {
    pub name: &'a str,
    pub gain: f64,
    pub cost: f64,
    pub is_baseline: bool,
    pub is_front: bool,
}

/// Those on the front come first, the cheapest of them at the head.
pub(crate) fn points<'a>(
    gain: &Quantity<'_>,
    cost: &Quantity<'_>,
    entries: &[Offer<'a>],
) -> Vec<Point<'a>> {
    let points = entries.iter().filter_map(|entry| {
        Some(Point {
            name: entry.name,
            gain: drawable(entry.gain)?,
            cost: drawable(entry.cost)?,
            is_baseline: entry.is_baseline,
            is_front: false,
        })
    });
    let mut points: Vec<Point<'_>> = points.collect();
    let is_front: Vec<bool> = points
        .iter()
        .map(|point| is_front(gain, cost, point, &points))
        .collect();
    for (point, is_front) in points.iter_mut().zip(is_front) {
        point.is_front = is_front;
    }
    points.sort_by(|a, b| {
        let front = b.is_front.cmp(&a.is_front);
        front.then(cost.order(a.cost, b.cost))
    });
    points
}

fn is_front(
    gain: &Quantity<'_>,
    cost: &Quantity<'_>,
    point: &Point<'_>,
    all: &[Point<'_>],
) -> bool {
    let beats = |other: &Point<'_>| {
        let is_worse =
            gain.is_better(point.gain, other.gain) || cost.is_better(point.cost, other.cost);
        let is_better =
            gain.is_better(other.gain, point.gain) || cost.is_better(other.cost, point.cost);
        is_better && !is_worse && !other.is_baseline
    };
    !point.is_baseline && !all.iter().any(beats)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn front(gain: Quantity<'_>, entries: &[(&'static str, f64, f64)]) -> Vec<&'static str> {
        let entries: Vec<Offer<'_>> = entries
            .iter()
            .map(|&(name, gain, cost)| Offer {
                name,
                gain: Some(gain),
                cost: Some(cost),
                is_baseline: name == "baseline",
            })
            .collect();
        let cost = Quantity::lower_is_better("time").unit("s");
        let found = points(&gain, &cost, &entries);
        let front = found.into_iter().filter(|point| point.is_front);
        let names: Vec<String> = front.map(|point| point.name.to_owned()).collect();
        ["a", "b", "c", "d", "baseline"]
            .into_iter()
            .filter(|name| names.contains(&(*name).to_owned()))
            .collect()
    }

    #[test]
    fn on_the_front_is_whom_nobody_beats_in_both() {
        let entries = [
            ("a", 0.9, 10.0),
            ("b", 0.8, 5.0),
            ("c", 0.8, 6.0),
            ("d", 0.7, 5.0),
        ];
        assert_eq!(
            front(Quantity::higher_is_better("Dice"), &entries),
            ["a", "b"]
        );
        assert_eq!(front(Quantity::lower_is_better("HD95"), &entries), ["d"]);
    }

    #[test]
    fn equals_share_the_front_and_a_baseline_keeps_nobody_off_it() {
        let entries = [("a", 0.8, 5.0), ("b", 0.8, 5.0), ("baseline", 0.9, 1.0)];
        assert_eq!(
            front(Quantity::higher_is_better("Dice"), &entries),
            ["a", "b"]
        );
    }
}
