//! The first three, and who shares their places.

use crate::canvas::{Canvas, EDGE};
use crate::font::{BODY, Font, HEAD, SMALL};
use crate::ink::{BRONZE, Paint, Rgb, Tone};
use crate::number::{drawable, rank, tenth};
use crate::quantity::Quantity;
use crate::sheet::{Figure, Sheet};
use crate::text::{clean, wrap};
use crate::words::{Naming, count, listed};

/// Steps for the ranks 1 to 3. Who ties stands on steps of the same height beside each other: two
/// firsts and a third have no second between them.
///
/// Without a rank up to 3 it says so.
#[derive(Debug, Clone, Copy)]
pub struct Podium<'a> {
    pub title: &'a str,
    /// What the ranks are made from.
    pub quantity: Quantity<'a>,
    pub entries: &'a [Placed<'a>],
}

/// An entry, its rank and the value that gave it.
#[derive(Debug, Clone, Copy)]
pub struct Placed<'a> {
    pub name: &'a str,
    pub rank: Option<f64>,
    pub value: Option<f64>,
}

/// Of the step of rank 1.
const HIGH: f64 = 150.0;
const LINE: f64 = 16.0;
/// Lines of a name above its step.
const LINES: usize = 3;
const SILVER: Rgb = Rgb(0xb4, 0xb9, 0xbc);
const DARK: Rgb = Rgb(0x1d, 0x25, 0x28);

impl Figure for Podium<'_> {
    fn svg(&self, sheet: &Sheet<'_>) -> String {
        let mut canvas = Canvas::new(sheet);
        let best = self.best();
        let y = canvas.head(self.title, &finding(&best, Naming::Short));
        let bottom = match best.is_empty() {
            true => canvas.nothing(y + 8.0, "No ranks yet"),
            false => self.draw(&mut canvas, &best, y + 10.0),
        };
        canvas.finish(self.title, &self.description(&best), bottom)
    }
}

impl<'a> Podium<'a> {
    /// Who is on it, best first, with their ranks.
    fn best(&self) -> Vec<(f64, &Placed<'a>)> {
        let ranked = self.entries.iter().filter_map(|entry| {
            let rank = entry.rank.filter(|rank| (1.0..=3.0).contains(rank))?;
            Some((rank, entry))
        });
        let mut best: Vec<_> = ranked.collect();
        best.sort_by(|a, b| a.0.total_cmp(&b.0));
        best
    }

    fn draw(&self, canvas: &mut Canvas<'_>, best: &[(f64, &Placed<'_>)], y: f64) -> f64 {
        let most = if canvas.is_narrow() { 4 } else { 6 };
        let shown = &best[..best.len().min(most)];
        let steps = arranged(shown);
        let room = canvas.width - 2.0 * EDGE;
        let wide = (room / steps.len() as f64).min(170.0);
        let left = (canvas.width - wide * steps.len() as f64) / 2.0;
        // As much above the steps as the names need.
        let tops = steps.iter().map(|(place, entry)| {
            let name = LINE * lines(entry.name, wide).len() as f64;
            height(*place) + name
        });
        let ground = y + 8.0 + tops.fold(HIGH, f64::max);
        for (at, (place, entry)) in steps.iter().enumerate() {
            canvas.begin(&self.told(*place, entry));
            self.step(
                canvas,
                (left + at as f64 * wide, ground),
                wide,
                *place,
                entry,
            );
            canvas.end();
        }
        canvas.rule(
            (left - 6.0, ground),
            (canvas.width - left + 6.0, ground),
            Tone::Strong,
        );
        let caption = self.quantity.label();
        let middle = canvas.width / 2.0;
        canvas.name(middle, ground + 19.0, SMALL.middle(), room, &caption);
        canvas.more(ground + 24.0, best.len() - shown.len(), "on these places")
    }

    fn step(
        &self,
        canvas: &mut Canvas<'_>,
        (x, ground): (f64, f64),
        wide: f64,
        place: f64,
        entry: &Placed<'_>,
    ) {
        let (top, middle) = (ground - height(place), x + wide / 2.0);
        let d = format!(
            "M{l} {g}V{t}q0 -5 5 -5H{r}q5 0 5 5V{g}Z",
            l = tenth(x + 3.0),
            g = tenth(ground),
            t = tenth(top + 5.0),
            r = tenth(x + wide - 8.0)
        );
        canvas.path(&d).fill(metal(place)).put();
        let numeral = HEAD.middle().size(40.0).paint(DARK);
        canvas.text(middle, top + 47.0, numeral, &rank(place));
        if let Some(value) = drawable(entry.value) {
            let text = self.quantity.told(value);
            canvas.name(
                middle,
                top + 67.0,
                BODY.middle().paint(DARK),
                wide - 10.0,
                &text,
            );
        }
        let lines = lines(entry.name, wide);
        for (at, line) in lines.iter().enumerate() {
            let y = top - 8.0 - LINE * (lines.len() - 1 - at) as f64;
            canvas.name(middle, y, NAME, wide - 8.0, line);
        }
    }

    fn told(&self, place: f64, entry: &Placed<'_>) -> String {
        let name = Naming::Whole.of(entry.name);
        match drawable(entry.value) {
            Some(value) => format!("{}: {name}, {}", rank(place), self.quantity.told(value)),
            None => format!("{}: {name}", rank(place)),
        }
    }

    fn description(&self, best: &[(f64, &Placed<'_>)]) -> String {
        let told = best
            .iter()
            .take(10)
            .map(|(place, entry)| self.told(*place, entry));
        let told: Vec<String> = told.collect();
        let finding = finding(best, Naming::Whole);
        if told.is_empty() {
            return finding;
        }
        let more = match best.len() - told.len() {
            0 => String::new(),
            left => format!(" And {}.", count(left, "more entry", "more entries")),
        };
        format!(
            "{finding} By {}. Rank {}.{more}",
            self.quantity.label(),
            told.join("; rank ")
        )
    }
}

/// From left to right: the best in the middle, then by turns on its left and its right.
fn arranged<'p, 'a>(best: &[(f64, &'p Placed<'a>)]) -> Vec<(f64, &'p Placed<'a>)> {
    let mut steps = std::collections::VecDeque::new();
    for (at, tied) in best.chunk_by(|a, b| a.0 == b.0).enumerate() {
        match at % 2 {
            1 => tied
                .iter()
                .rev()
                .for_each(|placed| steps.push_front(*placed)),
            _ => steps.extend(tied.iter().copied()),
        }
    }
    steps.into()
}

/// Of the step of a rank from 1 to 3.
fn height(place: f64) -> f64 {
    HIGH * (1.0 - 0.25 * (place - 1.0))
}

const NAME: Font = BODY.middle().bold();

/// A name as it stands above a step; what does not fit is cut in the last line.
fn lines(name: &str, wide: f64) -> Vec<String> {
    let mut lines = wrap(&clean(name), wide - 8.0, NAME.size * 1.1);
    if lines.len() > LINES {
        let rest = lines.split_off(LINES - 1).join(" ");
        lines.push(rest);
    }
    lines
}

fn metal(place: f64) -> Paint {
    match place {
        place if place < 2.0 => Tone::Gold.into(),
        place if place < 3.0 => SILVER.into(),
        _ => BRONZE.into(),
    }
}

fn finding(best: &[(f64, &Placed<'_>)], naming: Naming) -> String {
    let groups = best.chunk_by(|a, b| a.0 == b.0).map(|tied| {
        let names = naming.of_all(tied.iter().map(|(_, entry)| entry.name));
        let place = match tied[0].0 {
            1.0 => "first".to_owned(),
            2.0 => "second".to_owned(),
            3.0 => "third".to_owned(),
            place => format!("at rank {}", rank(place)),
        };
        match names.as_slice() {
            [one] => format!("{one} is {place}"),
            _ => format!("{} are {place} together", listed(&names, 3)),
        }
    });
    let groups: Vec<String> = groups.collect();
    match groups.is_empty() {
        true => "Nobody has a rank up to 3.".to_owned(),
        false => format!("{}.", groups.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn placed(name: &str, rank: f64) -> Placed<'_> {
        Placed {
            name,
            rank: Some(rank),
            value: None,
        }
    }

    fn order(entries: &[Placed<'_>]) -> (String, String) {
        let podium = Podium {
            title: "",
            quantity: Quantity::lower_is_better("mean rank"),
            entries,
        };
        let best = podium.best();
        let steps = arranged(&best);
        let names: Vec<&str> = steps.iter().map(|(_, entry)| entry.name).collect();
        let told = finding(&best, Naming::Whole).replace(['\u{2068}', '\u{2069}'], "");
        (names.join(" "), told)
    }

    #[test]
    fn the_first_stands_in_the_middle() {
        let entries = [
            placed("c", 3.0),
            placed("a", 1.0),
            placed("d", 4.0),
            placed("b", 2.0),
        ];
        let told = "a is first, b is second, c is third.".to_owned();
        assert_eq!(order(&entries), ("b a c".to_owned(), told));
    }

    #[test]
    fn two_firsts_leave_no_second() {
        let entries = [placed("a", 1.0), placed("b", 1.0), placed("c", 3.0)];
        let told = "a and b are first together, c is third.".to_owned();
        assert_eq!(order(&entries), ("c a b".to_owned(), told));
        let shared = [placed("a", 1.5), placed("b", 1.5)];
        assert_eq!(order(&shared).1, "a and b are at rank 1.5 together.");
    }
}
