//! What an entry had, and from when on.

use std::fmt::Write;

use chrono::{DateTime, Utc};

use crate::axis::{Scale, range, roomy};
use crate::canvas::{Canvas, EDGE};
use crate::font::{BODY, SMALL};
use crate::ink::{Paint, Tone, series};
use crate::marker::outline;
use crate::number::{rank, tenth};
use crate::quantity::Quantity;
use crate::sheet::{Figure, Sheet};
use crate::steps::{Steps, Track};
use crate::text::width;
use crate::time_axis::{date, draw_below};
use crate::words::{Naming, count};

/// Steps over time: what changed holds until it changes again. Times are UTC.
///
/// The first track is whom the figure is about; others are beside it for comparison. Without a
/// value it says so.
#[derive(Debug, Clone, Copy)]
pub struct History<'a> {
    pub title: &'a str,
    pub quantity: Quantity<'a>,
    /// Ranks are whole numbers with 1 at the top.
    pub is_rank: bool,
    pub tracks: &'a [Track<'a>],
    /// Until when the last values hold; changes after it are left out.
    pub until: DateTime<Utc>,
}

const HEIGHT: f64 = 220.0;
/// Steps of a line that are marked: more would cover it and each other.
const MARKED: usize = 80;

impl Figure for History<'_> {
    fn svg(&self, sheet: &Sheet<'_>) -> String {
        let mut canvas = Canvas::new(sheet);
        let tracks: Vec<Steps<'_>> = self
            .tracks
            .iter()
            .map(|track| Steps::of(track, self.until))
            .collect();
        let y = canvas.head(self.title, &self.finding(&tracks, Naming::Short));
        let bottom = self.draw(&mut canvas, &tracks, y + 10.0);
        canvas.finish(self.title, &self.description(&tracks), bottom)
    }
}

impl History<'_> {
    fn told(&self, value: f64) -> String {
        match self.is_rank {
            true => format!("rank\u{a0}{}", rank(value)),
            false => self.quantity.told(value),
        }
    }

    fn draw(&self, canvas: &mut Canvas<'_>, tracks: &[Steps<'_>], y: f64) -> f64 {
        let shown = &tracks[..tracks.len().min(canvas.most().min(6))];
        let values = || shown.iter().flat_map(Steps::values);
        let Some(ends) = range(values().map(|(_, value)| value)) else {
            return canvas.nothing(y, "No values yet");
        };
        let begin = values().map(|(at, _)| at).min().unwrap_or_default();
        let end = self.until.timestamp().max(begin + 60);
        canvas.name(
            EDGE,
            y + 12.0,
            SMALL,
            canvas.width - 2.0 * EDGE,
            &self.quantity.label(),
        );
        let (top, bottom) = (y + 26.0, y + 26.0 + HEIGHT);
        let up = self.upwards(ends, top, bottom);
        let ticks = match self.is_rank {
            true => up.whole_ticks(5),
            false => up.ticks(5),
        };
        let labels = ticks
            .into_iter()
            .map(|(_, label)| width(&label, SMALL.size));
        let left = EDGE + labels.fold(18.0, f64::max) + 8.0;
        let right = canvas.width - EDGE - 10.0;
        let across = Scale {
            lo: begin as f64,
            hi: end as f64,
            from: left,
            to: right,
            is_log: false,
        };
        let below = draw_below(canvas, &across, (top, bottom));
        self.ticks_left(canvas, &up, (left, right));
        for (at, track) in shown.iter().enumerate().rev() {
            canvas.begin(&self.track_told(track));
            line(canvas, track, (&across, &up), at);
            canvas.end();
        }
        if let Some(first) = shown.first() {
            self.marks(canvas, first, (&across, &up));
        }
        let below = match shown.len() {
            1 => below,
            _ => self.key(canvas, shown, below + 8.0),
        };
        canvas.more(below, tracks.len() - shown.len(), "lines")
    }

    fn upwards(&self, ends: (f64, f64), top: f64, bottom: f64) -> Scale {
        match self.is_rank {
            true => Scale {
                lo: 1.0_f64.min(ends.0.round()),
                hi: ends.1.max(3.0),
                from: top,
                to: bottom,
                is_log: false,
            },
            false => {
                let (lo, hi) = roomy(ends, 0.06);
                Scale {
                    lo,
                    hi,
                    from: bottom,
                    to: top,
                    is_log: false,
                }
            }
        }
    }

    fn ticks_left(&self, canvas: &mut Canvas<'_>, up: &Scale, (left, right): (f64, f64)) {
        if !self.is_rank {
            return up.draw_left(canvas, (left, right));
        }
        let whole = up.whole_ticks(5);
        let first = whole.iter().any(|(value, _)| *value == 1.0);
        // The first place is always named, and then no other close to it.
        let top = (!first).then_some((1.0, "1".to_owned()));
        let places = whole.into_iter().filter(|(value, _)| *value >= 1.0);
        for (value, label) in places.chain(top) {
            let y = up.at(value);
            canvas.rule((left, y), (right, y), Tone::Line);
            canvas.text(left - 6.0, y + 4.0, SMALL.end(), &label);
        }
    }

    /// The value that counts now, and the best if it was another.
    fn marks(&self, canvas: &mut Canvas<'_>, track: &Steps<'_>, (across, up): (&Scale, &Scale)) {
        let Some((_, last)) = track.values().last() else {
            return;
        };
        let font = BODY.bold().halo().paint(Tone::Accent);
        canvas.text(
            across.to + 4.0,
            up.at(last) - 9.0,
            font.end(),
            &self.told(last),
        );
        let Some((at, best)) = self.best(track) else {
            return;
        };
        if best != last {
            let x = across.at(at as f64);
            let text = format!("best {}", self.told(best));
            let text_width = width(&text, BODY.size * 1.1);
            match x + text_width > across.to {
                true => canvas.text(x, up.at(best) - 9.0, font.end(), &text),
                false => canvas.text(x, up.at(best) - 9.0, font, &text),
            }
        }
    }

    fn best(&self, track: &Steps<'_>) -> Option<(i64, f64)> {
        track.values().reduce(|best, next| {
            let is_better = match self.is_rank {
                true => next.1 < best.1,
                false => self.quantity.is_better(next.1, best.1),
            };
            if is_better { next } else { best }
        })
    }

    fn key(&self, canvas: &mut Canvas<'_>, tracks: &[Steps<'_>], y: f64) -> f64 {
        let column = (canvas.width - 2.0 * EDGE) / if canvas.is_narrow() { 1.0 } else { 3.0 };
        let each = if canvas.is_narrow() { 1 } else { 3 };
        for (at, track) in tracks.iter().enumerate() {
            let x = EDGE + (at % each) as f64 * column;
            let y = y + (at / each) as f64 * 19.0 + 8.0;
            let d = format!("M{} {}h18", tenth(x), tenth(y));
            canvas.path(&d).no_fill().stroke(paint(at), 2.0).put();
            canvas
                .path(&outline(at, x + 9.0, y, 4.0))
                .fill(paint(at))
                .put();
            canvas.name(
                x + 26.0,
                y + 4.0,
                SMALL.paint(Tone::Ink),
                column - 36.0,
                track.name,
            );
        }
        y + tracks.len().div_ceil(each) as f64 * 19.0
    }

    fn track_told(&self, track: &Steps<'_>) -> String {
        let name = Naming::Whole.of(track.name);
        let told = track.values().filter_map(|(at, value)| {
            let at = DateTime::from_timestamp(at, 0)?;
            Some(format!("{} from {}", self.told(value), date(at)))
        });
        let told: Vec<String> = told.take(20).collect();
        match told.is_empty() {
            true => format!("{name}: no value"),
            false => format!("{name}: {}", told.join(", ")),
        }
    }

    fn finding(&self, tracks: &[Steps<'_>], naming: Naming) -> String {
        let Some(track) = tracks.first() else {
            return "There is nobody to show.".to_owned();
        };
        let name = naming.of(track.name);
        let (Some(first), Some(last)) = (track.values().next(), track.values().last()) else {
            return format!("{name} has no value yet.");
        };
        let is_better = |a: f64, b: f64| match self.is_rank {
            true => a < b,
            false => self.quantity.is_better(a, b),
        };
        let (from, to) = (self.told(first.1), self.told(last.1));
        let way = match (is_better(last.1, first.1), is_better(first.1, last.1)) {
            (true, _) => format!("{name} improved from {from} to {to}"),
            (_, true) => format!("{name} fell from {from} to {to}"),
            _ => format!("{name} is at {to} as at first,"),
        };
        let steps = count(track.steps.len(), "step", "steps");
        let best = self
            .best(track)
            .filter(|best| best.1 != last.1)
            .and_then(|(at, best)| {
                let at = DateTime::from_timestamp(at, 0)?;
                Some(format!(
                    "; its best was {}, on {}",
                    self.told(best),
                    date(at)
                ))
            });
        format!("{way} in {steps}{}.", best.unwrap_or_default())
    }

    fn description(&self, tracks: &[Steps<'_>]) -> String {
        let finding = self.finding(tracks, Naming::Whole);
        let told = tracks.iter().take(6).map(|track| self.track_told(track));
        let told: Vec<String> = told.collect();
        match told.is_empty() {
            true => finding,
            false => format!("{finding} {}: {}.", self.quantity.label(), told.join("; ")),
        }
    }
}

fn paint(at: usize) -> Paint {
    match at {
        0 => Tone::Accent.into(),
        at => series(at),
    }
}

fn line(canvas: &mut Canvas<'_>, track: &Steps<'_>, (across, up): (&Scale, &Scale), at: usize) {
    let mut d = String::new();
    let mut is_down = false;
    let ends = track.steps.iter().skip(1).map(|(at, _)| *at as f64);
    for ((from, value), to) in track.steps.iter().zip(ends.chain([across.hi])) {
        let Some(value) = value else {
            is_down = false;
            continue;
        };
        let (x, y) = (tenth(across.at(*from as f64)), tenth(up.at(*value)));
        let _ = match is_down {
            true => write!(d, "V{y}"),
            false => write!(d, "M{x} {y}"),
        };
        let _ = write!(d, "H{}", tenth(across.at(to)));
        is_down = true;
    }
    let wide = if at == 0 { 3.0 } else { 1.8 };
    if !d.is_empty() {
        let path = canvas.path(&d).no_fill().stroke(paint(at), wide);
        path.with("stroke-linejoin", "round").put();
    }
    if track.values().count() > MARKED {
        return;
    }
    for (from, value) in track.values() {
        let r = if at == 0 { 4.5 } else { 3.2 };
        let marker = canvas.path(&outline(at, across.at(from as f64), up.at(value), r));
        marker.fill(paint(at)).stroke(Tone::Paper, 1.0).put();
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::steps::Change;

    /// Elements of the line, of its marks and of what is around them, which does not change with the steps.
    fn paths(steps: usize) -> usize {
        let begin = DateTime::from_timestamp(0, 0).unwrap();
        let hours = (0_u32..).zip(0..steps);
        let changes = hours.map(|(hour, _)| Change {
            at: begin + TimeDelta::hours(hour.into()),
            value: Some((hour % 3).into()),
        });
        let changes: Vec<Change> = changes.collect();
        let tracks = [Track {
            name: "a",
            changes: &changes,
        }];
        let history = History {
            title: "",
            quantity: Quantity::higher_is_better("Dice"),
            is_rank: false,
            tracks: &tracks,
            until: begin + TimeDelta::days(30),
        };
        history.svg(&Sheet::wide("a")).matches("<path").count()
    }

    #[test]
    fn each_of_few_steps_is_marked_and_of_many_the_line_alone_is_drawn() {
        let around = paths(10) - 10;
        assert_eq!(paths(MARKED), around + MARKED);
        assert_eq!(paths(MARKED + 1), around);
    }
}
