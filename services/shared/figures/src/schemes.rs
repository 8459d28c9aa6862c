//! Where each entry would stand by other rules.

use std::fmt::Write;

use crate::canvas::{Canvas, EDGE, widest};
use crate::font::{BODY, Font, SMALL};
use crate::ink::{Paint, SERIES_COUNT, Tone, series};
use crate::number::{rank, tenth};
use crate::sheet::{Figure, Sheet};
use crate::slots::{Line, slots};
use crate::text::{clean, cut, width, wrap};
use crate::words::{Naming, count, listed};

/// A line an entry, a column a scheme; in each circle the rank by it. Who ties lies one above the
/// other with the same rank.
///
/// Entries stand in the order in which they are given. Without schemes or ranks it says so.
#[derive(Debug, Clone, Copy)]
pub struct Schemes<'a> {
    pub title: &'a str,
    pub schemes: &'a [&'a str],
    pub entries: &'a [Line<'a>],
}

const ROW: f64 = 27.0;
const RADIUS: f64 = 10.5;

impl Figure for Schemes<'_> {
    fn svg(&self, sheet: &Sheet<'_>) -> String {
        let mut canvas = Canvas::new(sheet);
        let y = canvas.head(self.title, &self.finding(canvas.most(), Naming::Short));
        let has_rank = self
            .entries
            .iter()
            .any(|entry| self.ranks(entry).count() > 0);
        let bottom = match has_rank {
            true => self.draw(&mut canvas, y + 10.0),
            false => canvas.nothing(y + 8.0, "No ranks yet"),
        };
        canvas.finish(self.title, &self.description(sheet.most), bottom)
    }
}

/// Where a column lies and a rank in it.
struct Grid {
    columns: Vec<f64>,
    top: f64,
    /// By scheme and entry.
    slots: Vec<Vec<usize>>,
}

impl Grid {
    fn at(&self, scheme: usize, entry: usize) -> (f64, f64) {
        let y = self.top + (self.slots[scheme][entry] as f64 + 0.5) * ROW;
        (self.columns[scheme], y)
    }
}

impl Schemes<'_> {
    fn ranks(&self, entry: &Line<'_>) -> impl Iterator<Item = f64> {
        (0..self.schemes.len()).filter_map(|scheme| entry.rank(scheme))
    }

    fn draw(&self, canvas: &mut Canvas<'_>, y: f64) -> f64 {
        let shown = &self.entries[..self.entries.len().min(canvas.most())];
        let names = shown.iter().map(|entry| entry.name);
        let room = widest(
            names,
            BODY,
            canvas.width * if canvas.is_narrow() { 0.29 } else { 0.22 },
        );
        let has_right = !canvas.is_narrow() && self.schemes.len() > 1;
        let from = EDGE + room + 26.0;
        let right = if has_right { room + 26.0 } else { RADIUS + 8.0 };
        let to = canvas.width - EDGE - right;
        let (y, key) = self.headings(canvas, y, &columns(from, to, self.schemes.len()));
        let grid = Grid {
            columns: columns(from, to, self.schemes.len()),
            top: y,
            slots: (0..self.schemes.len())
                .map(|scheme| slots(shown, scheme))
                .collect(),
        };
        // The first lie on top.
        for (at, entry) in shown.iter().enumerate().rev() {
            canvas.begin(&self.told(entry));
            self.line(canvas, &grid, at, entry);
            canvas.end();
        }
        let last = self.schemes.len() - 1;
        for (at, entry) in shown.iter().enumerate() {
            let (left, y) = grid.at(0, at);
            canvas.name(left - RADIUS - 9.0, y + 4.3, BODY.end(), room, entry.name);
            if has_right {
                let (right, y) = grid.at(last, at);
                canvas.name(right + RADIUS + 9.0, y + 4.3, BODY, room, entry.name);
            }
        }
        let mut bottom = y + shown.len() as f64 * ROW + 4.0;
        if !key.is_empty() {
            bottom = canvas.sentences(bottom + 16.0, &key);
        }
        canvas.more(bottom, self.entries.len() - shown.len(), "entries")
    }

    /// Names of the schemes above their columns; where these are too narrow, letters, and the names
    /// are to be told below.
    fn headings(&self, canvas: &mut Canvas<'_>, y: f64, columns: &[f64]) -> (f64, String) {
        let room = match columns {
            [first, second, ..] => second - first - 8.0,
            _ => 160.0,
        };
        let wrapped = self
            .schemes
            .iter()
            .map(|name| wrap(&clean(name), room, SMALL.size));
        let wrapped: Vec<Vec<String>> = wrapped.collect();
        let mut lines = wrapped.iter().flatten();
        let most = wrapped.iter().map(Vec::len).max().unwrap_or(0);
        if most <= 4 && lines.all(|line| width(line, SMALL.size) <= room) {
            for (x, lines) in columns.iter().zip(&wrapped) {
                for (at, line) in lines.iter().enumerate() {
                    let y = y + 12.0 + (most - lines.len() + at) as f64 * 14.0;
                    canvas.text(*x, y, SMALL.middle(), line);
                }
            }
            return (y + 14.0 * most as f64 + 8.0, String::new());
        }
        let mut key = Vec::new();
        for (at, (x, name)) in columns.iter().zip(self.schemes).enumerate() {
            let letter = letter(at);
            canvas.text(*x, y + 12.0, SMALL.middle().bold(), &letter);
            let name = cut(name, canvas.width * 0.6, SMALL.size)
                .0
                .replace(' ', "\u{a0}");
            key.push(format!("{letter}:\u{a0}{name}"));
        }
        (y + 22.0, format!("{}.", key.join(", ")))
    }

    fn line(&self, canvas: &mut Canvas<'_>, grid: &Grid, at: usize, entry: &Line<'_>) {
        let paint = series(at);
        let mut d = String::new();
        for scheme in 1..self.schemes.len() {
            if entry.rank(scheme - 1).is_none() || entry.rank(scheme).is_none() {
                continue;
            }
            let ((a, b), (x, y)) = (grid.at(scheme - 1, at), grid.at(scheme, at));
            let middle = tenth((a + x) / 2.0);
            let (b, y) = (tenth(b), tenth(y));
            let _ = write!(
                d,
                "M{} {b}C{middle} {b} {middle} {y} {} {y}",
                tenth(a),
                tenth(x)
            );
        }
        if !d.is_empty() {
            let wide = if at < SERIES_COUNT { 3.0 } else { 2.0 };
            canvas.path(&d).no_fill().stroke(paint, wide).put();
        }
        for scheme in 0..self.schemes.len() {
            node(canvas, grid.at(scheme, at), entry.rank(scheme), paint);
        }
    }

    /// `A: first by mean, 3 by median`
    fn told(&self, entry: &Line<'_>) -> String {
        let ranks = self.schemes.iter().enumerate().map(|(scheme, name)| {
            let rank = entry.rank(scheme).map_or("no rank".to_owned(), rank);
            format!("{rank} by {}", clean(name))
        });
        let ranks: Vec<String> = ranks.collect();
        format!("{}: {}", Naming::Whole.of(entry.name), ranks.join(", "))
    }

    fn finding(&self, most: usize, naming: Naming) -> String {
        let schemes = self.schemes.len();
        let firsts = |entry: &Line<'_>| self.ranks(entry).filter(|rank| *rank == 1.0).count();
        let mut winners: Vec<&Line<'_>> = self.entries.iter().filter(|e| firsts(e) > 0).collect();
        winners.sort_by_key(|entry| std::cmp::Reverse(firsts(entry)));
        let Some(first) = winners.first() else {
            return "Nobody is first by any scheme.".to_owned();
        };
        let name = naming.of(first.name);
        let wins = match (firsts(first), schemes) {
            (_, 1) => format!("{name} is first"),
            (all, of) if all == of => format!("{name} is first by all {of} schemes"),
            (some, of) => format!("{name} is first by {some} of {of} schemes"),
        };
        let others = naming.of_all(winners.iter().skip(1).map(|entry| entry.name));
        let others = match others.is_empty() {
            true => String::new(),
            false => format!(", {} by some", listed(&others, 3)),
        };
        format!("{wins}{others}{}.", self.widest_move(most, naming))
    }

    /// Of those that are shown.
    fn widest_move(&self, most: usize, naming: Naming) -> String {
        let moves = self.entries.iter().take(most).filter_map(|entry| {
            let (lo, hi) = self
                .ranks(entry)
                .fold(None, |ends: Option<(f64, f64)>, rank| {
                    let (lo, hi) = ends.unwrap_or((rank, rank));
                    Some((lo.min(rank), hi.max(rank)))
                })?;
            (hi > lo).then_some((hi - lo, lo, hi, entry.name))
        });
        // Of equal moves the one that stands higher.
        let most = moves.reduce(|most, next| if next.0 > most.0 { next } else { most });
        match most {
            Some((_, lo, hi, name)) => {
                format!(
                    "; {} moves most, between {} and {}",
                    naming.of(name),
                    rank(lo),
                    rank(hi)
                )
            }
            None if self.schemes.len() > 1 => "; no rank depends on the scheme".to_owned(),
            None => String::new(),
        }
    }

    fn description(&self, most: usize) -> String {
        let finding = self.finding(most, Naming::Whole);
        let each = self.entries.iter().take(10).map(|entry| self.told(entry));
        let each: Vec<String> = each.collect();
        if each.is_empty() || self.schemes.is_empty() {
            return finding;
        }
        let more = match self.entries.len() - each.len() {
            0 => String::new(),
            left => format!(" And {}.", count(left, "more entry", "more entries")),
        };
        format!("{finding} {}.{more}", each.join("; "))
    }
}

fn columns(from: f64, to: f64, count: usize) -> Vec<f64> {
    match count {
        0 => Vec::new(),
        1 => vec![from],
        count => (0..count)
            .map(|at| from + (to - from) * at as f64 / (count - 1) as f64)
            .collect(),
    }
}

fn node(canvas: &mut Canvas<'_>, (x, y): (f64, f64), place: Option<f64>, paint: Paint) {
    let Some(place) = place else {
        canvas.text(x, y + 4.0, SMALL.middle(), "–");
        return;
    };
    let label = rank(place);
    let font = Font {
        paint: match paint {
            Paint::Fixed(colour) => colour.lettering().into(),
            _ => Tone::Ink.into(),
        },
        ..SMALL.middle().bold()
    };
    let size = match label.len() {
        0..=2 => 11.0,
        3 => 9.0,
        _ => 7.5,
    };
    let circle = canvas.circle(x, y, RADIUS);
    match paint {
        Paint::Fixed(_) => circle.fill(paint).put(),
        _ => circle.fill(Tone::Paper).stroke(paint, 1.5).put(),
    }
    canvas.text(x, y + size * 0.36, font.size(size), &label);
}

/// A, B … Z, then numbers.
fn letter(at: usize) -> String {
    match u8::try_from(at) {
        Ok(at @ 0..=25) => char::from(b'A' + at).to_string(),
        _ => (at + 1).to_string(),
    }
}
