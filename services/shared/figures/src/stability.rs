//! How sure the ranks are: where each entry stood when the cases were drawn anew.

use crate::axis::Scale;
use crate::canvas::{Canvas, EDGE};
use crate::font::SMALL;
use crate::ink::{SKY, Tone};
use crate::number::{percent, rank, tenth, thousands};
use crate::rows::Rows;
use crate::sheet::{Figure, Sheet};
use crate::words::{Naming, count, listed};

/// The blob plot of challengeR (Wiesenfarth et al. 2021): the area of a blob is how often an entry had
/// a rank in a bootstrap over cases; a cross is its median rank, a line its interval of 95 %.
///
/// Entries stand in the order in which they are given, that of their ranks. Without draws it says so.
#[derive(Debug, Clone, Copy)]
pub struct Stability<'a> {
    pub title: &'a str,
    pub entries: &'a [RankShare<'a>],
}

/// The ranks of one entry over all draws.
#[derive(Debug, Clone, Copy)]
pub struct RankShare<'a> {
    pub name: &'a str,
    /// By all cases; None of an entry that is not ranked.
    pub rank: Option<f64>,
    /// A rank from 1 on, and in how many draws it was had.
    pub counts: &'a [(f64, usize)],
    /// Draws in which it had no rank.
    pub unranked: usize,
    pub median: Option<f64>,
    /// The percentiles 2.5 and 97.5.
    pub interval: Option<(f64, f64)>,
}

const THICK: f64 = 26.0;

impl RankShare<'_> {
    fn draws(&self) -> usize {
        let ranked = self.ranks().map(|(_, count)| count);
        ranked.fold(self.unranked, usize::saturating_add)
    }

    fn ranks(&self) -> impl Iterator<Item = (f64, usize)> {
        let counts = self.counts.iter().copied();
        counts.filter(|(rank, count)| is_rank(*rank) && *count > 0)
    }

    fn rank(&self) -> Option<f64> {
        self.rank.filter(|rank| is_rank(*rank))
    }

    fn interval(&self) -> Option<(f64, f64)> {
        let (lo, hi) = self.interval?;
        (is_rank(lo) && is_rank(hi) && lo <= hi).then_some((lo, hi))
    }
}

/// No challenge has a million entries; a rank that large is a mistake.
fn is_rank(rank: f64) -> bool {
    (1.0..1e6).contains(&rank)
}

impl Figure for Stability<'_> {
    fn svg(&self, sheet: &Sheet<'_>) -> String {
        let mut canvas = Canvas::new(sheet);
        let y = canvas.head(self.title, &self.finding(Naming::Short));
        let bottom = self.draw(&mut canvas, y + 14.0);
        canvas.finish(self.title, &self.description(), bottom)
    }
}

impl Stability<'_> {
    fn draw(&self, canvas: &mut Canvas<'_>, y: f64) -> f64 {
        let shown = &self.entries[..self.entries.len().min(canvas.most())];
        let ranks = shown.iter().flat_map(|entry| entry.ranks());
        let last = ranks.map(|(rank, _)| rank).fold(0.0, f64::max);
        if last == 0.0 {
            return canvas.nothing(y, "No draws yet");
        }
        let names: Vec<&str> = shown.iter().map(|entry| entry.name).collect();
        let rows = Rows::new(canvas, &names, y + 4.0, 34.0, 78.0, THICK);
        rows.head(canvas, "95 % interval");
        let last = shown
            .iter()
            .filter_map(|entry| entry.interval())
            .fold(last, |last, (_, hi)| last.max(hi))
            .max(2.0);
        // Room for half a blob at both ends.
        let (from, to) = (rows.from + THICK / 2.0, rows.to - THICK / 2.0);
        let scale = Scale {
            lo: 1.0,
            hi: last,
            from,
            to,
            is_log: false,
        };
        let bottom = axis(canvas, &scale, &rows);
        for (at, entry) in shown.iter().enumerate() {
            let lead = entry.rank().map_or("–".to_owned(), rank);
            let interval = entry.interval().map_or("–".to_owned(), between);
            rows.label(canvas, at, &lead, entry.name, &interval);
            canvas.begin(&told(entry));
            one(canvas, entry, &scale, rows.middle(at));
            canvas.end();
        }
        let bottom = key(canvas, bottom + 8.0);
        canvas.more(bottom, self.entries.len() - shown.len(), "entries")
    }

    fn finding(&self, naming: Naming) -> String {
        let ranked = self
            .entries
            .iter()
            .filter(|entry| entry.rank().is_some() && entry.draws() > 0);
        let best = ranked.min_by(|a, b| {
            a.rank()
                .unwrap_or(f64::MAX)
                .total_cmp(&b.rank().unwrap_or(f64::MAX))
        });
        let Some(first) = best else {
            return "No entry was ranked in any draw.".to_owned();
        };
        let leaders = self
            .entries
            .iter()
            .filter(|entry| entry.rank() == first.rank());
        let leaders = naming.of_all(leaders.map(|entry| entry.name));
        if leaders.len() > 1 {
            return format!(
                "{} share the first place by all cases.",
                listed(&leaders, 4)
            );
        }
        let wins = first
            .ranks()
            .filter(|(rank, _)| *rank == 1.0)
            .map(|(_, count)| count)
            .sum();
        let leads = format!(
            "{} is first by all cases and in {} of {}",
            naming.of(first.name),
            percent(wins, first.draws()),
            count(first.draws(), "draw", "draws")
        );
        let Some(interval) = first.interval() else {
            return format!("{leads}.");
        };
        let others = self
            .entries
            .iter()
            .filter(|entry| entry.rank() != first.rank());
        let close = others.filter(|entry| entry.interval().is_some_and(|(lo, _)| lo <= interval.1));
        let close = naming.of_all(close.map(|entry| entry.name));
        match close.len() {
            0 => format!("{leads}; its interval overlaps no other."),
            1 => format!("{leads}; its interval and that of {} overlap.", close[0]),
            _ => format!(
                "{leads}; its interval and those of {} overlap.",
                listed(&close, 3)
            ),
        }
    }

    fn description(&self) -> String {
        let each: Vec<String> = self.entries.iter().take(10).map(told).collect();
        let more = match self.entries.len() - each.len() {
            0 => String::new(),
            left => format!(" And {}.", count(left, "more entry", "more entries")),
        };
        let finding = self.finding(Naming::Whole);
        match each.is_empty() {
            true => finding,
            false => format!("{finding} {}.{more}", each.join("; ")),
        }
    }
}

fn between((lo, hi): (f64, f64)) -> String {
    match lo == hi {
        true => about(lo),
        false => format!("{}–{}", about(lo), about(hi)),
    }
}

/// Percentiles may lie between two ranks; a tenth is enough.
fn about(place: f64) -> String {
    rank((place * 10.0).round() / 10.0)
}

fn told(entry: &RankShare<'_>) -> String {
    let mut text = format!(
        "{}: rank {} by all cases, median {}",
        Naming::Whole.of(entry.name),
        entry.rank().map_or("none".to_owned(), rank),
        entry
            .median
            .filter(|m| is_rank(*m))
            .map_or("none".to_owned(), rank)
    );
    if let Some((lo, hi)) = entry.interval() {
        text += &format!(", 95 % between {} and {}", about(lo), about(hi));
    }
    if entry.unranked > 0 {
        text += &format!(", unranked in {} draws", thousands(entry.unranked));
    }
    text
}

fn axis(canvas: &mut Canvas<'_>, scale: &Scale, rows: &Rows) -> f64 {
    let bottom = rows.bottom();
    let room = (scale.to - scale.from) / 34.0;
    let each = ((scale.hi / room).ceil() as usize).max(1);
    let each = [1, 2, 5, 10, 20, 50]
        .into_iter()
        .find(|step| *step >= each)
        .unwrap_or(each);
    for place in 1..=scale.hi.floor() as usize {
        if place != 1 && !place.is_multiple_of(each) {
            continue;
        }
        let x = scale.at(place as f64);
        canvas.rule((x, rows.top), (x, bottom), Tone::Line);
        canvas.text(x, bottom + 15.0, SMALL.middle(), &place.to_string());
    }
    canvas.text(
        (scale.from + scale.to) / 2.0,
        bottom + 32.0,
        SMALL.middle(),
        "rank in a draw of the cases",
    );
    bottom + 36.0
}

fn one(canvas: &mut Canvas<'_>, entry: &RankShare<'_>, scale: &Scale, y: f64) {
    let draws = entry.draws().max(1) as f64;
    // Also where many ranks share the width, one that was always had fills its row.
    let largest = THICK / 2.0 - 1.0;
    if let Some((lo, hi)) = entry.interval() {
        let d = format!(
            "M{} {}H{}",
            tenth(scale.at(lo)),
            tenth(y),
            tenth(scale.at(hi))
        );
        let line = canvas.path(&d).no_fill().stroke(Tone::Grey, 1.6);
        line.with("stroke-linecap", "round").put();
    }
    for (rank, count) in entry.ranks() {
        let r = largest * (count as f64 / draws).sqrt();
        // One draw of a thousand is seen as well.
        canvas
            .circle(scale.at(rank), y, r.max(0.8))
            .fill(SKY)
            .opacity(0.88)
            .put();
    }
    if let Some(median) = entry.median.filter(|median| is_rank(*median)) {
        cross(canvas, scale.at(median), y);
    }
}

fn cross(canvas: &mut Canvas<'_>, x: f64, y: f64) {
    let d = format!("M{} {}v9m-4.5 -4.5h9", tenth(x), tenth(y - 4.5));
    canvas.path(&d).no_fill().stroke(Tone::Paper, 3.6).put();
    canvas.path(&d).no_fill().stroke(Tone::Ink, 1.6).put();
}

fn key(canvas: &mut Canvas<'_>, y: f64) -> f64 {
    let mut x = EDGE + 8.0;
    for (share, label) in [(1.0, "100 %"), (0.25, "25 %"), (0.01, "1 %")] {
        let r = (THICK / 2.0 - 1.0) * f64::sqrt(share);
        canvas
            .circle(x + r - 8.0, y + 8.0, r)
            .fill(SKY)
            .opacity(0.88)
            .put();
        x += 2.0 * r - 4.0;
        canvas.text(x, y + 12.0, SMALL, label);
        x += 62.0;
    }
    cross(canvas, x + 2.0, y + 8.0);
    canvas.text(x + 12.0, y + 12.0, SMALL, "median");
    y + 24.0
}
