//! Who is better than whom, beyond chance.

use std::fmt::Write;

use crate::canvas::{Canvas, EDGE, widest};
use crate::font::{BODY, SMALL};
use crate::ink::{BLUE, Rgb, Tone, VERMILION};
use crate::marker::outline;
use crate::number::{fixed, tenth};
use crate::sheet::{Figure, Sheet};
use crate::text::cut;
use crate::words::{Naming, count, listed};

/// Entries against entries: a filled square where the row is better than the column.
///
/// One entry has no pair, none say so.
#[derive(Debug, Clone, Copy)]
pub struct SignificanceMap<'a> {
    pub title: &'a str,
    /// Best first.
    pub names: &'a [&'a str],
    pub tested: Tested<'a>,
    /// A difference counts with p at most this.
    pub alpha: f64,
}

/// What is known of the tests. Rows that are missing are of entries that nothing was tested of.
#[derive(Debug, Clone, Copy)]
pub enum Tested<'a> {
    /// `[row][column]`: the p-value, Holm-adjusted, of `row` being better than `column`; None on the
    /// diagonal and where nothing was tested.
    Adjusted(&'a [&'a [Option<f64>]]),
    /// Of each row the columns that it is better than, where no p-value is known.
    BetterThan(&'a [&'a [usize]]),
}

impl Figure for SignificanceMap<'_> {
    fn svg(&self, sheet: &Sheet<'_>) -> String {
        let mut canvas = Canvas::new(sheet);
        let y = canvas.head(self.title, &self.finding(Naming::Short));
        let bottom = match self.names.len() {
            0 | 1 => canvas.nothing(y + 8.0, "Nobody to compare yet"),
            _ => self.draw(&mut canvas, y + 8.0),
        };
        canvas.finish(self.title, &self.description(), bottom)
    }
}

impl SignificanceMap<'_> {
    fn p(&self, row: usize, column: usize) -> Option<f64> {
        let Tested::Adjusted(adjusted) = self.tested else {
            return None;
        };
        let p = (*adjusted.get(row)?.get(column)?)?;
        (row != column && (0.0..=1.0).contains(&p)).then_some(p)
    }

    fn is_better(&self, row: usize, column: usize) -> bool {
        match self.tested {
            Tested::Adjusted(_) => self.p(row, column).is_some_and(|p| p <= self.alpha),
            Tested::BetterThan(rows) => {
                let is_beaten = rows.get(row).is_some_and(|beaten| beaten.contains(&column));
                row != column && is_beaten
            }
        }
    }

    fn beaten_by(&self, row: usize) -> Vec<&str> {
        let others = self.names.iter().enumerate();
        let beaten = others.filter(|(column, _)| self.is_better(row, *column));
        beaten.map(|(_, name)| *name).collect()
    }

    fn draw(&self, canvas: &mut Canvas<'_>, y: f64) -> f64 {
        let shown = self.names.len().min(canvas.most());
        let whole = canvas.width - 2.0 * EDGE;
        let share = if canvas.is_narrow() { 0.36 } else { 0.3 };
        let names = self.names[..shown].iter().copied();
        let label = 26.0 + widest(names, BODY, whole * share - 26.0);
        let left = EDGE + label + 10.0;
        let size = ((canvas.width - EDGE - left) / shown as f64).clamp(8.0, 40.0);
        let top = y + 20.0;
        let letters = BODY.size((size * 0.72).clamp(7.0, BODY.size));
        ground(canvas, (left, top), size, shown);
        for at in 0..shown {
            let number = (at + 1).to_string();
            let middle = (at as f64 + 0.5) * size;
            let heading = SMALL.middle().size((size * 0.62).clamp(7.0, SMALL.size));
            canvas.text(left + middle, top - 5.0, heading, &number);
            let baseline = top + middle + letters.size * 0.35;
            canvas.text(EDGE + 18.0, baseline, letters.end().bold(), &number);
            canvas.name(EDGE + 26.0, baseline, letters, label - 26.0, self.names[at]);
            for column in 0..shown {
                self.cell(canvas, (at, column), (left, top), size);
            }
        }
        let bottom = key(canvas, top + shown as f64 * size + 12.0, self.alpha);
        canvas.more(bottom, self.names.len() - shown, "entries")
    }

    fn cell(
        &self,
        canvas: &mut Canvas<'_>,
        (row, column): (usize, usize),
        corner: (f64, f64),
        size: f64,
    ) {
        let (x, y) = (
            corner.0 + column as f64 * size,
            corner.1 + row as f64 * size,
        );
        if row == column {
            let hatch = canvas.hatch();
            canvas
                .rect(x + 0.5, y + 0.5, size - 1.0, size - 1.0)
                .fill(hatch)
                .put();
            return;
        }
        let (middle, centre) = (x + size / 2.0, y + size / 2.0);
        if self.is_better(row, column) {
            let tip = self.tip(row, column);
            let cell = canvas.rect(x + 0.5, y + 0.5, size - 1.0, size - 1.0);
            cell.fill(BLUE).tip(&tip).put();
            if let (true, Some(p)) = (size >= 34.0, self.p(row, column)) {
                let font = SMALL
                    .middle()
                    .size((size * 0.28).min(11.0))
                    .paint(Rgb(255, 255, 255));
                canvas.text(middle, centre + 3.8, font, &short(p));
            }
        } else if self.is_better(column, row) {
            let d = outline(1, middle, centre, (size * 0.16).max(1.5));
            canvas.path(&d).fill(VERMILION).put();
        }
    }

    fn tip(&self, row: usize, column: usize) -> String {
        let names = [row, column].map(|at| Naming::Whole.of(self.names[at]));
        let p = self.p(row, column);
        let p = p.map_or(String::new(), |p| format!(", p {}", equal(p)));
        format!("{} is better than {}{p}", names[0], names[1])
    }

    fn finding(&self, naming: Naming) -> String {
        let (Some(first), true) = (self.names.first(), self.names.len() > 1) else {
            return "There is no pair of entries to compare.".to_owned();
        };
        let beaten = self.beaten_by(0).len();
        let others = self.names.len() - 1;
        let apart = (1..self.names.len()).filter(|column| !self.is_better(0, *column));
        let apart = naming.of_all(apart.map(|column| self.names[column]));
        let first = naming.of(first);
        match (beaten, apart.is_empty()) {
            (0, _) => format!("{first} is first, but better than nobody beyond chance."),
            (_, true) => format!("{first} is better than all {others} others beyond chance."),
            (_, false) => format!(
                "{first} is better than {beaten} of {others} others beyond chance, but not than {}.",
                listed(&apart, 3)
            ),
        }
    }

    fn description(&self) -> String {
        let each = self.names.iter().enumerate().take(10).map(|(row, name)| {
            let beaten = Naming::Whole.of_all(self.beaten_by(row));
            let name = Naming::Whole.of(name);
            match beaten.len() {
                0 => format!("{name} is better than nobody"),
                some => format!("{name} is better than {some}: {}", listed(&beaten, 5)),
            }
        });
        let each: Vec<String> = each.collect();
        let rule = format!(
            "One-sided tests of all pairs, Holm-adjusted, at most {}.",
            fixed(self.alpha, 3)
        );
        let finding = self.finding(Naming::Whole);
        if self.names.len() < 2 {
            return finding;
        }
        let more = match self.names.len() - each.len() {
            0 => String::new(),
            left => format!(" And {}.", count(left, "more entry", "more entries")),
        };
        format!("{finding} {rule} {}.{more}", each.join("; "))
    }
}

/// A square for each pair, in one element.
fn ground(canvas: &mut Canvas<'_>, (left, top): (f64, f64), size: f64, count: usize) {
    let side = tenth(size - 1.0);
    let mut d = String::new();
    for cell in 0..count * count {
        let (row, column) = (cell / count, cell % count);
        let (x, y) = (left + column as f64 * size, top + row as f64 * size);
        let _ = write!(
            d,
            "M{} {}h{side}v{side}h-{side}z",
            tenth(x + 0.5),
            tenth(y + 0.5)
        );
    }
    canvas.path(&d).fill(Tone::Sunken).put();
}

/// `.012`, `<.001`
fn short(p: f64) -> String {
    match p < 0.001 {
        true => "<.001".to_owned(),
        false => fixed(p, 3).trim_start_matches('0').to_owned(),
    }
}

fn equal(p: f64) -> String {
    match p < 0.001 {
        true => "< 0.001".to_owned(),
        false => format!("= {}", fixed(p, 3)),
    }
}

fn key(canvas: &mut Canvas<'_>, y: f64, alpha: f64) -> f64 {
    let alpha = fixed(alpha, 3);
    let alpha = alpha.trim_end_matches('0');
    let texts = [
        format!("row better than column (p ≤ {alpha}, Holm)"),
        "column better than row".to_owned(),
        "no difference shown".to_owned(),
    ];
    let (mut x, mut y) = (EDGE, y);
    for (at, text) in texts.iter().enumerate() {
        let room = 22.0 + crate::text::width(text, SMALL.size);
        if x + room > canvas.width - EDGE && x > EDGE {
            (x, y) = (EDGE, y + 20.0);
        }
        let frame = canvas.rect(x, y, 14.0, 14.0);
        match at {
            0 => frame.fill(BLUE).put(),
            _ => frame.fill(Tone::Sunken).put(),
        }
        if at == 1 {
            canvas
                .path(&outline(1, x + 7.0, y + 7.0, 2.6))
                .fill(VERMILION)
                .put();
        }
        let (text, _) = cut(text, canvas.width - x - 20.0 - EDGE, SMALL.size);
        canvas.text(x + 20.0, y + 11.0, SMALL, &text);
        x += room + 10.0;
    }
    y + 20.0
}
