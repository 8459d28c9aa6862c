//! The values of every case, entry by entry, as boxes with points.

use crate::axis::{Scale, range, roomy};
use crate::canvas::Canvas;
use crate::ink::{Tone, VERMILION};
use crate::number::{drawable, tenth};
use crate::quantity::Quantity;
use crate::rows::Rows;
use crate::sheet::{Figure, Sheet};
use crate::spread::Spread;
use crate::words::{Naming, count, listed, verb};

/// Median, quartiles (linear, type 7), whiskers to 1.5 interquartile ranges, and a point a case.
///
/// Entries stand in the order in which they are given. Without entries or values it says so.
#[derive(Debug, Clone, Copy)]
pub struct BoxPlot<'a> {
    pub title: &'a str,
    pub quantity: Quantity<'a>,
    pub entries: &'a [Sample<'a>],
}

/// The values of one entry, one a case.
#[derive(Debug, Clone, Copy)]
pub struct Sample<'a> {
    pub name: &'a str,
    pub values: &'a [Option<f64>],
}

struct Row<'a> {
    name: &'a str,
    /// In the order of the cases, which decides where a point lies across its box.
    values: Vec<f64>,
    spread: Option<Spread>,
    missing: usize,
}

const THICK: f64 = 28.0;

impl Figure for BoxPlot<'_> {
    fn svg(&self, sheet: &Sheet<'_>) -> String {
        let mut canvas = Canvas::new(sheet);
        let rows: Vec<Row<'_>> = self.entries.iter().map(row).collect();
        let y = canvas.head(self.title, &self.finding(&rows, Naming::Short));
        let bottom = self.draw(&mut canvas, &rows, y + 16.0);
        canvas.finish(self.title, &self.description(&rows), bottom)
    }
}

impl BoxPlot<'_> {
    fn draw(&self, canvas: &mut Canvas<'_>, all: &[Row<'_>], y: f64) -> f64 {
        let shown = &all[..all.len().min(canvas.most())];
        let values = shown.iter().flat_map(|row| row.values.iter().copied());
        let Some(ends) = range(values) else {
            return canvas.nothing(y, "No values yet");
        };
        let names: Vec<&str> = shown.iter().map(|row| row.name).collect();
        let rows = Rows::new(canvas, &names, y + 4.0, 0.0, 74.0, THICK);
        let (lo, hi) = roomy(ends, 0.02);
        let (from, to) = (rows.from, rows.to);
        let scale = Scale {
            lo,
            hi,
            from,
            to,
            is_log: false,
        };
        rows.head(canvas, "median");
        let bottom = scale.draw_below(canvas, (rows.top, rows.bottom()), &self.quantity.label());
        for (at, row) in shown.iter().enumerate() {
            let median = row.spread.as_ref().map(Spread::median);
            rows.label(
                canvas,
                at,
                "",
                row.name,
                &self.quantity.digits_or_dash(median),
            );
            canvas.begin(&self.told(row));
            match &row.spread {
                Some(spread) => one(canvas, row, spread, &scale, rows.middle(at)),
                None => canvas.rule(
                    (from, rows.middle(at)),
                    (from + 8.0, rows.middle(at)),
                    Tone::Strong,
                ),
            }
            canvas.end();
        }
        canvas.more(bottom, all.len() - shown.len(), "entries")
    }

    /// `A: median 0.912, quartiles 0.890 to 0.931, 50 cases, 2 without a value`
    fn told(&self, row: &Row<'_>) -> String {
        let name = Naming::Whole.of(row.name);
        let Some(spread) = &row.spread else {
            return format!("{name}: no value");
        };
        let [low, middle, high] = spread.quartiles;
        let mut text = format!(
            "{name}: median {}, quartiles {} to {}, {}",
            self.quantity.told(middle),
            self.quantity.digits(low),
            self.quantity.digits(high),
            count(row.values.len(), "case", "cases"),
        );
        if row.missing > 0 {
            text += &format!(", {} without a value", row.missing);
        }
        text
    }

    fn finding(&self, rows: &[Row<'_>], naming: Naming) -> String {
        let mut found: Vec<(&str, &Spread)> = rows
            .iter()
            .filter_map(|row| Some((row.name, row.spread.as_ref()?)))
            .collect();
        found.sort_by(|a, b| self.quantity.order(a.1.median(), b.1.median()));
        let Some(&(first, best)) = found.first() else {
            return "No entry has a value.".to_owned();
        };
        let heading = self.quantity.title();
        let median = self.quantity.told(best.median());
        let ties = found
            .iter()
            .filter(|(_, spread)| spread.median() == best.median());
        let ties = naming.of_all(ties.map(|(name, _)| *name));
        if ties.len() > 1 {
            return format!(
                "{} share the best median of {heading}, {median}.",
                listed(&ties, 4)
            );
        }
        let leads = format!(
            "{} has the best median of {heading}, {median}",
            naming.of(first)
        );
        let others = found.iter().skip(1);
        let close = others.filter(|(_, spread)| spread.overlaps(best));
        let close = naming.of_all(close.map(|(name, _)| *name));
        match (found.len(), close.is_empty()) {
            (1, _) => format!("{leads}; it is the only one with values."),
            (_, true) => format!("{leads}; its box overlaps no other."),
            (_, false) => format!(
                "{leads}, but the {} of {} {} its own.",
                verb(&close, "box", "boxes"),
                listed(&close, 3),
                verb(&close, "overlaps", "overlap"),
            ),
        }
    }

    fn description(&self, rows: &[Row<'_>]) -> String {
        let each: Vec<String> = rows.iter().take(10).map(|row| self.told(row)).collect();
        let left = rows.len() - each.len();
        let more = match left {
            0 => String::new(),
            left => format!(" And {}.", count(left, "more entry", "more entries")),
        };
        let finding = self.finding(rows, Naming::Whole);
        match each.is_empty() {
            true => finding,
            false => format!("{finding} {}.{more}", each.join("; ")),
        }
    }
}

fn row<'a>(sample: &Sample<'a>) -> Row<'a> {
    let values: Vec<f64> = sample.values.iter().copied().filter_map(drawable).collect();
    Row {
        name: sample.name,
        spread: Spread::of(values.iter().copied()),
        missing: sample.values.len() - values.len(),
        values,
    }
}

fn one(canvas: &mut Canvas<'_>, row: &Row<'_>, spread: &Spread, scale: &Scale, y: f64) {
    let half = THICK * 0.36;
    let [low, middle, high] = spread.quartiles.map(|value| scale.at(value));
    let (from, to) = (scale.at(spread.whiskers.0), scale.at(spread.whiskers.1));
    canvas.rule((from, y), (low, y), Tone::Accent);
    canvas.rule((high, y), (to, y), Tone::Accent);
    for end in [from, to] {
        canvas.rule((end, y - 4.0), (end, y + 4.0), Tone::Accent);
    }
    let frame = canvas.rect(low, y - half, high - low, 2.0 * half);
    frame
        .fill(Tone::Soft)
        .stroke(Tone::Accent, 1.0)
        .with("rx", "2")
        .put();
    points(canvas, row, spread, scale, y);
    let median = format!("M{} {}V{}", tenth(middle), tenth(y - half), tenth(y + half));
    canvas
        .path(&median)
        .no_fill()
        .stroke(Tone::Accent, 3.0)
        .put();
}

/// Each a stroke of no length with round ends, which takes a third of the bytes of a circle.
fn points(canvas: &mut Canvas<'_>, row: &Row<'_>, spread: &Spread, scale: &Scale, y: f64) {
    let (mut inside, mut outside) = (String::new(), String::new());
    for (case, value) in row.values.iter().enumerate() {
        let (x, y) = (scale.at(*value), y + jitter(case) * THICK * 0.55);
        let point = format!("M{} {}h0", tenth(x), tenth(y));
        match spread.is_outside(*value) {
            true => outside += &point,
            false => inside += &point,
        }
    }
    if !inside.is_empty() {
        let points = canvas.path(&inside).no_fill().stroke(Tone::Ink, 3.2);
        points.with("stroke-linecap", "round").opacity(0.45).put();
    }
    if !outside.is_empty() {
        let points = canvas.path(&outside).no_fill().stroke(VERMILION, 4.0);
        points.with("stroke-linecap", "round").put();
    }
}

/// From −½ to ½, evenly spread whatever the number of cases: multiples of the golden ratio.
fn jitter(case: usize) -> f64 {
    const GOLDEN: f64 = 0.618_033_988_749_895;
    (case as f64 * GOLDEN + 0.5).fract() - 0.5
}
