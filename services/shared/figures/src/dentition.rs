//! A measure by tooth, as dentists draw a mouth.

use crate::axis::range;
use crate::canvas::{Canvas, EDGE};
use crate::font::{BODY, HEAD, SMALL};
use crate::ink::{Paint, Tone, scale};
use crate::mouth::{Mouth, Tooth};
use crate::number::drawable;
use crate::quantity::Quantity;
use crate::scale_bar;
use crate::sheet::{Figure, Sheet};
use crate::tooth::{Arch, Fdi, Spot};
use crate::words::{count, listed};

/// Both jaws of an open mouth, the patient's right on the viewer's left, each tooth with its number
/// after FDI and its value, coloured by it; hatched, if it has none.
///
/// Deciduous teeth stand within the permanent ones, if any is given. Numbers that are no teeth are
/// counted below. Without a value all are hatched, and it says so.
#[derive(Debug, Clone, Copy)]
pub struct Dentition<'a> {
    pub title: &'a str,
    pub quantity: Quantity<'a>,
    /// In any order; of one number given twice the later counts.
    pub teeth: &'a [Tooth],
    /// The ends of the colours, if not the least and the greatest value: so that two figures compare.
    pub range: Option<(f64, f64)>,
}

/// How much of a quarter turn an arch goes around.
const TURN: f64 = 1.53;
const DECIDUOUS_TURN: f64 = 1.24;

impl Figure for Dentition<'_> {
    fn svg(&self, sheet: &Sheet<'_>) -> String {
        let mut canvas = Canvas::new(sheet);
        let mouth = Mouth::of(self.teeth);
        let y = canvas.head(self.title, &self.finding(&mouth));
        let bottom = self.draw(&mut canvas, &mouth, y + 8.0);
        canvas.finish(self.title, &self.description(&mouth), bottom)
    }
}

impl Dentition<'_> {
    fn ends(&self, sorted: &[(Fdi, f64)]) -> Option<(f64, f64)> {
        let given = self
            .range
            .and_then(|(lo, hi)| Some((drawable(Some(lo))?, drawable(Some(hi))?)));
        let given = given.filter(|(lo, hi)| lo < hi);
        let own = range(sorted.iter().map(|(_, value)| *value))?;
        Some(given.unwrap_or(own))
    }

    fn draw(&self, canvas: &mut Canvas<'_>, mouth: &Mouth, y: f64) -> f64 {
        let sorted = mouth.sorted(&self.quantity);
        let ends = self.ends(&sorted);
        let is_narrow = canvas.is_narrow();
        let half = match is_narrow {
            true => (canvas.width / 2.0 - EDGE - 18.0, 196.0),
            false => (196.0, 208.0),
        };
        let depth = if is_narrow { 18.0 } else { 24.0 };
        let centre_x = match is_narrow {
            true => canvas.width / 2.0,
            false => EDGE + half.0 + depth + 4.0,
        };
        let gap = 44.0;
        let centre = (centre_x, y + depth + half.1 + gap / 2.0);
        let outer = Arch {
            centre,
            half,
            gap,
            turn: TURN,
        };
        let step = if is_narrow { 42.0 } else { 52.0 };
        // The deciduous molars stand beside the premolars that follow them.
        let inner = Arch {
            turn: DECIDUOUS_TURN,
            half: (half.0 - step, half.1 - step),
            ..outer
        };
        for tooth in mouth.drawn() {
            let spot = match tooth.is_deciduous() {
                true => inner.spot(tooth),
                false => outer.spot(tooth),
            };
            self.tooth(canvas, tooth, spot, mouth, ends);
        }
        self.middle(canvas, centre, &sorted, mouth);
        let end = centre.1 + gap / 2.0 + half.1 + depth;
        match is_narrow {
            true => self.side(
                canvas,
                &sorted,
                ends,
                (EDGE, end + 10.0),
                canvas.width - 2.0 * EDGE,
                mouth,
            ),
            false => {
                let x = centre_x + half.0 + depth + 34.0;
                let room = canvas.width - EDGE - x;
                end.max(self.side(canvas, &sorted, ends, (x, y + 30.0), room, mouth))
            }
        }
    }

    fn tooth(
        &self,
        canvas: &mut Canvas<'_>,
        tooth: Fdi,
        spot: Spot,
        mouth: &Mouth,
        ends: Option<(f64, f64)>,
    ) {
        let value = mouth.value(tooth);
        let colour = value
            .zip(ends)
            .map(|(value, ends)| scale(scale_bar::share(&self.quantity, ends, value)));
        let (fill, ink) = match colour {
            Some(colour) => (Paint::Fixed(colour), Paint::Fixed(colour.lettering())),
            None => (canvas.hatch(), Tone::Grey.into()),
        };
        canvas.begin(&self.told(tooth, value));
        let (wide, deep) = spot.size;
        let turn = format!(
            "rotate({:.1} {:.1} {:.1})",
            spot.degrees + 0.0,
            spot.x,
            spot.y
        );
        let frame = canvas.rect(spot.x - wide / 2.0, spot.y - deep / 2.0, wide, deep);
        let frame = frame
            .at("rx", wide.min(deep) * 0.32)
            .with("transform", &turn);
        frame.fill(fill).stroke(Tone::Strong, 1.0).put();
        let size = if canvas.is_narrow() { 10.0 } else { 11.5 };
        let number = tooth.number().to_string();
        let font = BODY.middle().paint(ink).size(size);
        match value {
            Some(value) => {
                canvas.text(spot.x, spot.y - 1.5, font.bold(), &number);
                let digits = self.quantity.digits(value);
                // Long values are set smaller rather than over the edge.
                let size = (wide * 0.94 / crate::text::width(&digits, 1.0)).min(size);
                canvas.text(spot.x, spot.y + 9.5, font.size(size), &digits);
            }
            None => canvas.text(spot.x, spot.y + 4.0, font.halo(), &number),
        }
        canvas.end();
    }

    /// Where is what, and the mean of what was measured.
    fn middle(
        &self,
        canvas: &mut Canvas<'_>,
        (x, y): (f64, f64),
        sorted: &[(Fdi, f64)],
        mouth: &Mouth,
    ) {
        canvas.text(x, y - 62.0, SMALL.middle(), "upper jaw");
        canvas.text(x, y + 70.0, SMALL.middle(), "lower jaw");
        let reach = if mouth.has_deciduous() || canvas.is_narrow() {
            74.0
        } else {
            130.0
        };
        canvas.text(x - reach, y + 4.0, SMALL.middle(), "right");
        canvas.text(x + reach, y + 4.0, SMALL.middle(), "left");
        let mean = mean(sorted);
        let text = mean.map_or("–".to_owned(), |mean| self.quantity.digits(mean));
        canvas.text(x, y + 5.0, HEAD.middle().size(25.0), &text);
        let below = match sorted.len() {
            0 => "no value".to_owned(),
            some => format!("mean of {}", count(some, "tooth", "teeth")),
        };
        canvas.text(x, y + 23.0, SMALL.middle(), &below);
    }

    /// The legend, and the teeth to look at.
    fn side(
        &self,
        canvas: &mut Canvas<'_>,
        sorted: &[(Fdi, f64)],
        ends: Option<(f64, f64)>,
        (x, y): (f64, f64),
        room: f64,
        mouth: &Mouth,
    ) -> f64 {
        let mut y = match ends {
            Some(ends) => scale_bar::draw(canvas, &self.quantity, ends, (x, y), room) + 10.0,
            None => y,
        };
        let hatch = canvas.hatch();
        canvas
            .rect(x, y, 16.0, 12.0)
            .fill(hatch)
            .stroke(Tone::Strong, 1.0)
            .put();
        canvas.text(x + 23.0, y + 10.0, SMALL, "without a value");
        y += 34.0;
        if mouth.unknown > 0 {
            let text = format!(
                "{} no tooth and left out",
                count(mouth.unknown, "number is", "numbers are")
            );
            canvas.name(x, y, SMALL, room, &text);
            y += 20.0;
        }
        if canvas.is_narrow() || sorted.len() < 6 {
            return y;
        }
        let worst = sorted.iter().rev().take(4);
        let lists = [
            ("Worst", worst.collect::<Vec<_>>()),
            ("Best", sorted.iter().take(4).collect()),
        ];
        for (heading, teeth) in lists {
            y += 12.0;
            canvas.text(x, y, BODY.bold(), heading);
            for (tooth, value) in teeth {
                y += 18.0;
                canvas.text(x, y, BODY, &tooth.number().to_string());
                canvas.text(x + 92.0, y, BODY.end(), &self.quantity.digits(*value));
            }
            y += 16.0;
        }
        y
    }

    fn told(&self, tooth: Fdi, value: Option<f64>) -> String {
        match value {
            Some(value) => format!("{}: {}", tooth.number(), self.quantity.told(value)),
            None => format!("{}: no value", tooth.number()),
        }
    }

    fn finding(&self, mouth: &Mouth) -> String {
        let sorted = mouth.sorted(&self.quantity);
        let (Some((best, top)), Some((worst, low))) = (sorted.first(), sorted.last()) else {
            return "No tooth has a value.".to_owned();
        };
        let heading = self.quantity.title();
        if sorted.len() == 1 {
            return format!(
                "{heading} is {} at tooth {}, the only one with a value.",
                self.quantity.told(*top),
                best.number()
            );
        }
        if top == low {
            return format!(
                "{heading} is {} of all {} teeth with a value.",
                self.quantity.told(*top),
                sorted.len()
            );
        }
        format!(
            "{heading} is best at tooth {} ({}) and worst at tooth {} ({}).",
            best.number(),
            self.quantity.told(*top),
            worst.number(),
            self.quantity.told(*low),
        )
    }

    fn description(&self, mouth: &Mouth) -> String {
        let sorted = mouth.sorted(&self.quantity);
        let mut text = self.finding(mouth);
        if let Some(mean) = mean(&sorted) {
            let told: Vec<String> = sorted
                .iter()
                .map(|(tooth, value)| self.told(*tooth, Some(*value)))
                .collect();
            text += &format!(
                " The mean is {}. From the best: {}.",
                self.quantity.told(mean),
                listed(&told, 52)
            );
        }
        let drawn = mouth.drawn().into_iter();
        let without = drawn.filter(|tooth| mouth.value(*tooth).is_none());
        let without: Vec<String> = without.map(|tooth| tooth.number().to_string()).collect();
        if !without.is_empty() && !sorted.is_empty() {
            text += &format!(" Without a value: {}.", listed(&without, 52));
        }
        text
    }
}

fn mean(teeth: &[(Fdi, f64)]) -> Option<f64> {
    let count = teeth.len() as f64;
    (count > 0.0).then(|| teeth.iter().map(|(_, value)| value / count).sum())
}
