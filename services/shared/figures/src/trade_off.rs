//! What an entry reaches and what it costs, and whom nobody beats in both.

use std::fmt::Write;

use crate::axis::{Scale, range, roomy};
use crate::canvas::{Canvas, EDGE};
use crate::font::{Anchor, BODY, SMALL};
use crate::ink::{BLUE, Tone};
use crate::marker::outline;
use crate::number::tenth;
use crate::pareto::{Offer, Point, points};
use crate::placing::Placing;
use crate::quantity::{Better, Quantity};
use crate::sheet::{Figure, Sheet};
use crate::text::{cut, width};
use crate::words::{Naming, listed, verb};

/// Accuracy against running time, or against the area of GPU memory, with the Pareto front: the
/// entries to which no other is as good in both and better in one.
///
/// All entries with both values are drawn; the cost is on a scale of factors where its values are
/// far apart. Names stand where there is room, those on the front first. Without entries that
/// have both values it says so.
#[derive(Debug, Clone, Copy)]
pub struct TradeOff<'a> {
    pub title: &'a str,
    pub gain: Quantity<'a>,
    pub cost: Quantity<'a>,
    pub entries: &'a [Offer<'a>],
}

const HEIGHT: f64 = 300.0;
/// Where the greatest cost is so many times the least, equal steps are equal factors.
const FAR_APART: f64 = 12.0;

impl Figure for TradeOff<'_> {
    fn svg(&self, sheet: &Sheet<'_>) -> String {
        let mut canvas = Canvas::new(sheet);
        let points = points(&self.gain, &self.cost, self.entries);
        let y = canvas.head(self.title, &self.finding(&points, Naming::Short));
        let bottom = self.draw(&mut canvas, &points, y + 8.0);
        canvas.finish(self.title, &self.description(&points), bottom)
    }
}

impl TradeOff<'_> {
    fn draw(&self, canvas: &mut Canvas<'_>, points: &[Point<'_>], y: f64) -> f64 {
        let gains = range(points.iter().map(|point| point.gain));
        let costs = range(points.iter().map(|point| point.cost));
        let (Some(gains), Some(costs)) = (gains, costs) else {
            return canvas.nothing(y, "Nothing with both values yet");
        };
        canvas.name(
            EDGE,
            y + 12.0,
            SMALL,
            canvas.width - 2.0 * EDGE,
            &self.gain.label(),
        );
        let (top, bottom) = (y + 24.0, y + 24.0 + HEIGHT);
        let (lo, hi) = roomy(gains, 0.08);
        let up = Scale {
            lo,
            hi,
            from: bottom,
            to: top,
            is_log: false,
        };
        let labels = up
            .ticks(7)
            .into_iter()
            .map(|(_, label)| width(&label, SMALL.size));
        let left = EDGE + labels.fold(18.0, f64::max) + 8.0;
        let across = self.across(costs, left, canvas.width - EDGE);
        let label = match across.is_log {
            true => format!("{}, logarithmic", self.cost.label()),
            false => self.cost.label(),
        };
        let below = across.draw_below(canvas, (top, bottom), &label);
        up.draw_left(canvas, (left, across.to));
        self.corner(canvas, (left, top), (across.to, bottom));
        let front = self.front(points, &across, &up);
        let mut d = String::new();
        for (x, y) in &front {
            let step = if d.is_empty() { 'M' } else { 'L' };
            let _ = write!(d, "{step}{} {}", tenth(*x), tenth(*y));
        }
        if !d.is_empty() {
            let line = canvas.path(&d).no_fill().stroke(BLUE, 2.0);
            line.with("stroke-dasharray", "6 4").put();
        }
        let mut placing = Placing::new((across.from, top + 18.0), (across.to, bottom));
        for ends in front.windows(2) {
            placing.keep_off_line(ends[0], ends[1]);
        }
        let unnamed = self.marks(canvas, points, (&across, &up), placing);
        match unnamed.is_empty() {
            true => below,
            false => {
                let names = Naming::Short.of_all(unnamed);
                let text = format!("Also on the front: {}.", listed(&names, 12));
                canvas.sentences(below + 14.0, &text)
            }
        }
    }

    fn across(&self, costs: (f64, f64), from: f64, to: f64) -> Scale {
        let is_log = costs.0 > 0.0 && costs.1 / costs.0 > FAR_APART;
        let (lo, hi) = match is_log {
            true => {
                let pad = (costs.1 / costs.0).powf(0.06).min(1e6);
                (costs.0 / pad, costs.1 * pad)
            }
            false => roomy(costs, 0.06),
        };
        Scale {
            lo,
            hi,
            from,
            to,
            is_log,
        }
    }

    /// Says where one would like to be.
    fn corner(
        &self,
        canvas: &mut Canvas<'_>,
        (left, top): (f64, f64),
        (right, bottom): (f64, f64),
    ) {
        let (x, anchor) = match self.cost.better {
            Better::Lower => (left + 6.0, Anchor::Start),
            Better::Higher => (right - 6.0, Anchor::End),
        };
        let y = match self.gain.better {
            Better::Higher => top + 14.0,
            Better::Lower => bottom - 7.0,
        };
        let arrow = match (self.cost.better, self.gain.better) {
            (Better::Lower, Better::Higher) => "↖ better",
            (Better::Lower, Better::Lower) => "↙ better",
            (Better::Higher, Better::Higher) => "better ↗",
            (Better::Higher, Better::Lower) => "better ↘",
        };
        canvas.text(
            x,
            y,
            SMALL.anchored(anchor).bold().paint(Tone::Accent),
            arrow,
        );
    }

    /// What can be had at which cost, as the corners of a line: what the best so far reaches holds
    /// until the next.
    fn front(&self, points: &[Point<'_>], across: &Scale, up: &Scale) -> Vec<(f64, f64)> {
        let mut corners: Vec<(f64, f64)> = Vec::new();
        for point in points.iter().filter(|point| point.is_front) {
            let (x, y) = (across.at(point.cost), up.at(point.gain));
            if let Some((_, before)) = corners.last() {
                corners.push((x, *before));
            }
            corners.push((x, y));
        }
        let end = match self.cost.better {
            Better::Lower => across.to,
            Better::Higher => across.from,
        };
        if let Some((_, y)) = corners.last() {
            corners.push((end, *y));
        }
        corners
    }

    /// Gives those of the front that found no room for their names.
    fn marks<'p>(
        &self,
        canvas: &mut Canvas<'_>,
        points: &[Point<'p>],
        (across, up): (&Scale, &Scale),
        mut placing: Placing,
    ) -> Vec<&'p str> {
        let at = |point: &Point<'_>| (across.at(point.cost), up.at(point.gain));
        for point in points {
            let (x, y) = at(point);
            placing.keep_off(x, y, if point.is_front { 6.0 } else { 3.5 });
        }
        for point in points.iter().rev() {
            let (x, y) = at(point);
            let tip = self.told(point);
            match (point.is_front, point.is_baseline) {
                (true, _) => canvas
                    .circle(x, y, 6.0)
                    .fill(BLUE)
                    .stroke(Tone::Paper, 1.0)
                    .tip(&tip)
                    .put(),
                (_, true) => {
                    let mark = canvas.path(&outline(2, x, y, 4.5)).fill(Tone::Paper);
                    mark.stroke(Tone::Grey, 1.6).tip(&tip).put();
                }
                _ => canvas
                    .circle(x, y, 4.0)
                    .fill(Tone::Paper)
                    .stroke(Tone::Grey, 1.6)
                    .tip(&tip)
                    .put(),
            }
        }
        let mut unnamed = Vec::new();
        for (rank, point) in points.iter().enumerate() {
            let font = match point.is_front {
                true => BODY.bold(),
                false => SMALL,
            };
            let (name, _) = cut(point.name, 150.0, font.size);
            let wide = width(name.trim_matches(['\u{2068}', '\u{2069}']), font.size * 1.1);
            match placing.place(at(point), 10.0, wide, font.size) {
                Some((x, y, anchor)) if point.is_front || rank < canvas.most() => {
                    canvas.name(x, y, font.halo().anchored(anchor), 170.0, point.name);
                }
                _ if point.is_front => unnamed.push(point.name),
                _ => (),
            }
        }
        unnamed
    }

    /// `A: Dice 0.93, time 12.5 s`
    fn told(&self, point: &Point<'_>) -> String {
        format!(
            "{}: {}, {}{}",
            Naming::Whole.of(point.name),
            self.gain.told(point.gain),
            self.cost.told(point.cost),
            if point.is_baseline { ", baseline" } else { "" },
        )
    }

    fn finding(&self, points: &[Point<'_>], naming: Naming) -> String {
        let front = points.iter().filter(|point| point.is_front);
        let front = naming.of_all(front.map(|point| point.name));
        let entries = points.iter().filter(|point| !point.is_baseline).count();
        if front.is_empty() {
            return "No entry has both values.".to_owned();
        }
        if entries == 1 {
            return format!("{} is the only entry with both values.", front[0]);
        }
        let (gain, cost) = (self.gain.title(), self.cost.title());
        format!(
            "{} of {entries} entries {} on the Pareto front of {gain} and {cost}: {}.",
            front.len(),
            verb(&front, "is", "are"),
            listed(&front, 4)
        )
    }

    fn description(&self, points: &[Point<'_>]) -> String {
        let finding = self.finding(points, Naming::Whole);
        let told = |is_front: bool| {
            let points = points.iter().filter(|point| point.is_front == is_front);
            let told: Vec<String> = points.map(|point| self.told(point)).collect();
            listed(&told, 10)
        };
        let (front, others) = (told(true), told(false));
        let others = match others.is_empty() {
            true => String::new(),
            false => format!(" Others: {others}."),
        };
        match front.is_empty() {
            true => format!("{finding}{others}"),
            false => format!("{finding} On the front: {front}.{others}"),
        }
    }
}
