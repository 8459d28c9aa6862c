//! The legend, and which labels went wrong.

use image::RgbImage;
use molar_metrics::Overlap;
use molar_volumes::Label;

use crate::joint::Class;
use crate::layout::{fill, right_aligned};
use crate::palette::{self, Colour, INK, QUIET};
use crate::panel::stripe;
use crate::tally::{Counts, Tally};
use crate::text::{CAPTION, HEADING};

const ROW: u32 = 36;
const SWATCH: u32 = 24;
/// Of a column of counts.
const COLUMN: u32 = 140;

/// What the legend takes.
pub const LEAST_HEIGHT: u32 = 6 * ROW;

pub struct Facts<'a> {
    pub tally: &'a Tally,
    /// Of the slice, where the case is a volume.
    pub slice: Option<Counts>,
    /// Two labels that do on one side, if any do.
    pub overlapping: Option<[i32; 2]>,
    pub name: &'a dyn Fn(i32) -> Label,
}

impl Facts<'_> {
    /// In as many rows as fit into the height, which is not less than the least.
    pub fn draw(&self, picture: &mut RgbImage, [x, y]: [u32; 2], height: u32) {
        let legend = self.legend(picture, [x, y]);
        let rows = height / ROW - 1;
        self.lowest(picture, [legend + 56, y], rows as usize);
    }

    /// Returns where it ends on the right.
    fn legend(&self, picture: &mut RgbImage, [x, y]: [u32; 2]) -> u32 {
        let numbers: Vec<(&str, Counts)> = match self.slice {
            None => vec![("pixels", self.tally.counts)],
            Some(slice) => vec![("slice", slice), ("volume", self.tally.counts)],
        };
        let words = x + SWATCH + 14;
        let widest = CAPTION.width(meaning(Class::Wrong));
        let end = |column: usize| words + widest + COLUMN * (column as u32 + 1);
        HEADING.draw(picture, [x.into(), y.into()], "Errors", INK);
        for (column, (heading, _)) in numbers.iter().enumerate() {
            right_aligned(picture, CAPTION, [end(column), y], heading, QUIET);
        }
        for (row, class) in Class::ALL.into_iter().enumerate() {
            let y = y + ROW * (row as u32 + 1);
            swatch(picture, [x, y + 2], |_, _| palette::of_class(class));
            CAPTION.draw(picture, [words.into(), y.into()], meaning(class), INK);
            for (column, (_, counts)) in numbers.iter().enumerate() {
                let text = grouped(counts.of(class));
                right_aligned(picture, CAPTION, [end(column), y], &text, INK);
            }
        }
        if let Some(labels) = self.overlapping {
            let y = y + ROW * 5;
            let colours = labels.map(|label| palette::of_label(&(self.name)(label)));
            swatch(picture, [x, y + 2], |x, y| colours[stripe(x, y, 2)]);
            CAPTION.draw(
                picture,
                [words.into(), y.into()],
                "striped: labels overlap",
                INK,
            );
        }
        end(numbers.len() - 1)
    }

    fn lowest(&self, picture: &mut RgbImage, [x, y]: [u32; 2], rows: usize) {
        HEADING.draw(picture, [x.into(), y.into()], "Lowest DSC", INK);
        let mut labels: Vec<_> = self.tally.labels().collect();
        labels.sort_by(|(_, a), (_, b)| dsc(a).total_cmp(&dsc(b)));
        for (row, (label, overlap)) in labels.into_iter().take(rows).enumerate() {
            let y = y + ROW * (row as u32 + 1);
            let name = CAPTION.fit(&(self.name)(label).to_string(), 110);
            CAPTION.draw(picture, [x.into(), y.into()], &name, INK);
            let value = format!("{:.4}", dsc(&overlap));
            CAPTION.draw(picture, [(x + 120).into(), y.into()], &value, INK);
            CAPTION.draw(
                picture,
                [(x + 205).into(), y.into()],
                remark(&overlap),
                QUIET,
            );
        }
    }
}

fn meaning(class: Class) -> &'static str {
    match class {
        Class::Right => "right",
        Class::Missed => "missed: in the reference only",
        Class::Invented => "invented: in the prediction only",
        Class::Wrong => "wrong label: in both, they differ",
    }
}

fn swatch(picture: &mut RgbImage, [x, y]: [u32; 2], colour: impl Fn(u32, u32) -> Colour) {
    for (dx, dy) in (0..SWATCH - 4).flat_map(|dy| (0..SWATCH).map(move |dx| (dx, dy))) {
        fill(picture, [x + dx, y + dy], [1, 1], colour(dx, dy));
    }
}

fn dsc(overlap: &Overlap) -> f64 {
    overlap.dice().unwrap_or(0.0)
}

fn remark(overlap: &Overlap) -> &'static str {
    match (overlap.reference, overlap.prediction) {
        (0, _) => "invented",
        (_, 0) => "missed",
        _ if !overlap.is_match() => "no match",
        _ => "",
    }
}

/// `1234567` as `1 234 567`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_numbers_are_grouped() {
        let groups = [0, 999, 1_000, 400_000_000].map(grouped);
        assert_eq!(groups, ["0", "999", "1 000", "400 000 000"]);
    }

    #[test]
    fn a_label_is_remarked_on_unless_it_matched() {
        let overlap = |reference, prediction, intersection| Overlap {
            reference,
            prediction,
            intersection,
        };
        let cases = [
            (overlap(0, 4, 0), "invented"),
            (overlap(0, 0, 0), "invented"),
            (overlap(4, 0, 0), "missed"),
            (overlap(4, 2, 2), "no match"),
            (overlap(3, 2, 2), ""),
        ];
        for (overlap, expected) in cases {
            assert_eq!(remark(&overlap), expected, "{overlap:?}");
        }
    }
}
