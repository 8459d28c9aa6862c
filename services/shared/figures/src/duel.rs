//! Two entries, case by case.

use crate::axis::{Scale, range, roomy};
use crate::canvas::{Canvas, EDGE};
use crate::duel_gaps;
use crate::duel_point::{A, B, Point, Winner};
use crate::font::{Anchor, BODY, SMALL};
use crate::ink::Tone;
use crate::marker::outline;
use crate::number::{drawable, tenth};
use crate::quantity::{Better, Quantity};
use crate::sheet::{Figure, Sheet};
use crate::text::{clean, cut, width};
use crate::words::{Naming, count};

/// A point a case over the values of both, the diagonal being a draw, and the differences beside
/// it from the largest win of the one to that of the other.
///
/// Cases that one has no value in are counted and not drawn. Without a case that both have it says
/// so.
#[derive(Debug, Clone, Copy)]
pub struct Duel<'a> {
    pub title: &'a str,
    pub quantity: Quantity<'a>,
    /// The names of the two.
    pub a: &'a str,
    pub b: &'a str,
    pub cases: &'a [Pair<'a>],
}

/// A case and what both have in it.
#[derive(Debug, Clone, Copy)]
pub struct Pair<'a> {
    /// Shown under the pointer; empty, if it may not be told.
    pub case: &'a str,
    pub a: Option<f64>,
    pub b: Option<f64>,
}

impl Figure for Duel<'_> {
    fn svg(&self, sheet: &Sheet<'_>) -> String {
        let mut canvas = Canvas::new(sheet);
        let points = self.points();
        let y = canvas.head(self.title, &self.finding(&points, Naming::Short));
        let bottom = self.draw(&mut canvas, &points, y + 10.0);
        canvas.finish(self.title, &self.description(&points), bottom)
    }
}

impl<'a> Duel<'a> {
    fn points(&self) -> Vec<Point<'a>> {
        let points = self.cases.iter().filter_map(|pair| {
            let (a, b) = (drawable(pair.a)?, drawable(pair.b)?);
            let winner = match (self.quantity.is_better(a, b), self.quantity.is_better(b, a)) {
                (true, _) => Winner::A,
                (_, true) => Winner::B,
                _ => Winner::Nobody,
            };
            let case = pair.case;
            Some(Point { case, a, b, winner })
        });
        points.collect()
    }

    fn draw(&self, canvas: &mut Canvas<'_>, points: &[Point<'_>], y: f64) -> f64 {
        let values = points.iter().flat_map(|point| [point.a, point.b]);
        let Some(ends) = range(values) else {
            return canvas.nothing(y, "No case that both have a value in");
        };
        let ends = roomy(ends, 0.05);
        let is_narrow = canvas.is_narrow();
        let legend = self.key(canvas, y + 4.0);
        let side = if is_narrow {
            canvas.width - 2.0 * EDGE - 52.0
        } else {
            (canvas.width * 0.5 - 70.0).min(420.0)
        };
        let below = self.scatter(canvas, points, ends, (EDGE + 48.0, legend + 24.0), side);
        let gaps = points
            .iter()
            .map(|point| (point.gap(&self.quantity), point.winner));
        let gaps: Vec<_> = gaps.collect();
        match is_narrow {
            true => {
                let room = canvas.width - 2.0 * EDGE - 52.0;
                duel_gaps::draw(
                    canvas,
                    &self.gap_label(),
                    gaps,
                    (EDGE + 48.0, below + 34.0),
                    (room, 150.0),
                )
            }
            false => {
                let x = EDGE + 48.0 + side + 84.0;
                let room = canvas.width - EDGE - x;
                duel_gaps::draw(
                    canvas,
                    &self.gap_label(),
                    gaps,
                    (x, legend + 24.0),
                    (room, side),
                );
                below
            }
        }
    }

    fn gap_label(&self) -> String {
        let (name, _) = cut(self.a, 150.0, SMALL.size);
        format!("difference in {}, ↑ {name} better", self.quantity.heading())
    }

    /// Who is which colour, and in how many cases better.
    fn key(&self, canvas: &mut Canvas<'_>, y: f64) -> f64 {
        let column = (canvas.width - 2.0 * EDGE) / 2.0;
        let sides = [(self.a, A, 0), (self.b, B, 1)];
        for (at, (name, paint, shape)) in sides.into_iter().enumerate() {
            let x = EDGE + at as f64 * column;
            canvas
                .path(&outline(shape, x + 7.0, y + 8.0, 6.0))
                .fill(paint)
                .put();
            canvas.name(x + 20.0, y + 12.5, BODY.bold(), column - 28.0, name);
        }
        y + 20.0
    }

    fn scatter(
        &self,
        canvas: &mut Canvas<'_>,
        points: &[Point<'_>],
        (lo, hi): (f64, f64),
        (left, top): (f64, f64),
        side: f64,
    ) -> f64 {
        let (right, bottom) = (left + side, top + side);
        let across = Scale {
            lo,
            hi,
            from: left,
            to: right,
            is_log: false,
        };
        let up = Scale {
            lo,
            hi,
            from: bottom,
            to: top,
            is_log: false,
        };
        let heading = self.quantity.heading();
        let of = |name: &str| {
            let (name, _) = cut(name, side * 0.55, SMALL.size);
            format!("{} of {name}", clean(&heading))
        };
        let below = across.draw_below(canvas, (top, bottom), "");
        canvas.text(
            left + side / 2.0,
            bottom + 33.0,
            SMALL.middle(),
            &of(self.a),
        );
        up.draw_left(canvas, (left, right));
        canvas.text(left - 40.0, top - 12.0, SMALL, &of(self.b));
        let diagonal = format!(
            "M{} {}L{} {}",
            tenth(left),
            tenth(bottom),
            tenth(right),
            tenth(top)
        );
        let line = canvas.path(&diagonal).no_fill().stroke(Tone::Grey, 1.2);
        line.with("stroke-dasharray", "5 4").put();
        for point in points {
            let (x, y) = (across.at(point.a), up.at(point.b));
            let (paint, shape) = point.winner.look();
            let mark = canvas
                .path(&outline(shape, x, y, 4.2))
                .fill(paint)
                .opacity(0.8);
            mark.tip(&self.told(point)).put();
        }
        self.corners(canvas, points, (left, top), (right, bottom));
        below
    }

    /// In the half where each is better, in how many cases it is.
    fn corners(
        &self,
        canvas: &mut Canvas<'_>,
        points: &[Point<'_>],
        (left, top): (f64, f64),
        (right, bottom): (f64, f64),
    ) {
        let wins = |winner: Winner| points.iter().filter(|point| point.winner == winner).count();
        // Above the diagonal B has more.
        let (above, below) = match self.quantity.better {
            Better::Higher => (Winner::B, Winner::A),
            Better::Lower => (Winner::A, Winner::B),
        };
        let font = BODY.bold().halo();
        let corners = [
            (above, left + 8.0, top + 18.0, Anchor::Start),
            (below, right - 8.0, bottom - 9.0, Anchor::End),
        ];
        for (winner, x, y, anchor) in corners {
            let (name, number) = match winner {
                Winner::A => (self.a, wins(winner)),
                _ => (self.b, wins(winner)),
            };
            let rest = format!(" better in {number}");
            let room = (right - left) * 0.72 - width(&rest, font.size * 1.1);
            let (name, _) = cut(name, room, font.size * 1.1);
            let font = font.anchored(anchor);
            canvas.text(x, y, font, &format!("{name}{rest}"));
        }
    }

    fn told(&self, point: &Point<'_>) -> String {
        let case = match point.case {
            "" => String::new(),
            case => format!("{}: ", Naming::Whole.of(case)),
        };
        format!(
            "{case}{} {}, {} {}",
            Naming::Whole.of(self.a),
            self.quantity.told(point.a),
            Naming::Whole.of(self.b),
            self.quantity.told(point.b)
        )
    }

    fn finding(&self, points: &[Point<'_>], naming: Naming) -> String {
        let wins = |winner: Winner| points.iter().filter(|point| point.winner == winner).count();
        let (a, b, equal) = (wins(Winner::A), wins(Winner::B), wins(Winner::Nobody));
        let (first, second) = (naming.of(self.a), naming.of(self.b));
        if points.is_empty() {
            return format!("{first} and {second} have no case in common.");
        }
        let cases = count(points.len(), "case", "cases");
        let rest = match equal {
            0 => String::new(),
            some => format!(
                ", and {some} {} equal",
                if some == 1 { "is" } else { "are" }
            ),
        };
        match a.cmp(&b) {
            std::cmp::Ordering::Greater => {
                format!("{first} is better in {a} of {cases}, {second} in {b}{rest}.")
            }
            std::cmp::Ordering::Less => {
                format!("{second} is better in {b} of {cases}, {first} in {a}{rest}.")
            }
            std::cmp::Ordering::Equal if a == 0 => {
                format!("{first} and {second} are equal in all of {cases}.")
            }
            std::cmp::Ordering::Equal => {
                format!("{first} and {second} are better in {a} cases each of {cases}{rest}.")
            }
        }
    }

    fn description(&self, points: &[Point<'_>]) -> String {
        let finding = self.finding(points, Naming::Whole);
        let left = self.cases.len() - points.len();
        let missing = match left {
            0 => String::new(),
            left => format!(
                " {} not compared for want of a value.",
                count(left, "case is", "cases are")
            ),
        };
        let extreme = |winner: Winner| {
            let points = points.iter().filter(|point| point.winner == winner);
            let most = points.max_by(|x, y| {
                let size = |point: &Point<'_>| point.gap(&self.quantity).abs();
                size(x).total_cmp(&size(y))
            });
            most.map(|point| format!(" {}.", self.told(point)))
        };
        let extremes: String = [Winner::A, Winner::B]
            .into_iter()
            .filter_map(extreme)
            .collect();
        match extremes.is_empty() {
            true => format!("{finding}{missing}"),
            false => format!(
                "{finding}{missing} By {}, the largest differences:{extremes}",
                self.quantity.label()
            ),
        }
    }
}
