//! One picture of an image with what a side has labelled in it, or with the errors.

use image::imageops::{FilterType, resize};
use image::{GrayImage, Rgb, RgbImage};
use molar_volumes::Label;

use crate::axis::Axis;
use crate::cells::{Cells, Plane};
use crate::joint::Class;
use crate::palette::{self, BLACK, Colour, INK, mix};
use crate::panel::{self, Panel, View};
use crate::sheet::aspect;
use crate::text::{Font, NUMBER, SMALL};

/// Of the longer side, in pixels: what is smaller is enlarged, what is larger reduced.
const LONGER: std::ops::RangeInclusive<f64> = 640.0..=1600.0;
/// What is thinner is drawn this thick.
const THINNEST: u32 = 8;
/// A picture this wide has room for large numbers.
const WIDE: u32 = 1000;

/// How much of an instance's colour lies over the image within its outline.
const TINT: f64 = 0.35;
/// Width of the outline in pixels.
const OUTLINE: u32 = 2;
/// How much of the image is left beneath errors.
const DIMMED: f64 = 0.5;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Show {
    Image,
    Reference,
    Prediction,
    Errors,
}

/// An image or a slice, and the labels in it.
pub struct Overlay<'a> {
    /// Of any size: it is stretched to that of the plane. Black where there is none.
    pub grey: Option<&'a GrayImage>,
    pub plane: &'a Plane,
    /// Columns and rows of the plane.
    pub size: [u32; 2],
    /// How long a pixel is along columns and rows.
    pub spacing: [f64; 2],
    /// Columns run from right to left.
    pub is_mirrored: bool,
    /// Rows run from below upwards.
    pub is_upside_down: bool,
    pub name: &'a dyn Fn(i32) -> Label,
}

impl Overlay<'_> {
    /// Width and height of the picture.
    pub fn drawn(&self) -> [u32; 2] {
        let tall = aspect([self.spacing[0], self.spacing[1], 1.0], 1);
        let extents = [f64::from(self.size[0]), f64::from(self.size[1]) * tall];
        let longer = extents[0].max(extents[1]).max(1.0);
        let scale = longer.clamp(*LONGER.start(), *LONGER.end()) / longer;
        // Unwrap safety (of the cast): no more than the longest side.
        extents.map(|extent| ((extent * scale).round() as u32).max(THINNEST))
    }

    pub fn draw(&self, show: Show) -> RgbImage {
        let mut picture = self.image();
        match show {
            Show::Image => {}
            Show::Reference => self.side(&mut picture, |segment| segment.reference),
            Show::Prediction => self.side(&mut picture, |segment| segment.prediction),
            Show::Errors => self.errors(&mut picture),
        }
        picture
    }

    fn view(&self) -> View {
        let [width, height] = self.drawn();
        View {
            columns: Axis::new(&(0..self.size[0]), width),
            rows: Axis::new(&(0..self.size[1]), height),
            is_mirrored: self.is_mirrored,
            is_upside_down: self.is_upside_down,
        }
    }

    fn image(&self) -> RgbImage {
        let [width, height] = self.drawn();
        let Some(grey) = self.grey.filter(|grey| grey.width() * grey.height() > 0) else {
            return RgbImage::from_pixel(width, height, BLACK);
        };
        let resized;
        let grey = match grey.dimensions() == (width, height) {
            true => grey,
            false => {
                resized = resize(grey, width, height, FilterType::Triangle);
                &resized
            }
        };
        RgbImage::from_fn(width, height, |x, y| {
            let x = if self.is_mirrored { width - 1 - x } else { x };
            let y = if self.is_upside_down {
                height - 1 - y
            } else {
                y
            };
            Rgb([grey.get_pixel(x, y).0[0]; 3])
        })
    }

    fn side(
        &self,
        picture: &mut RgbImage,
        side: for<'s> fn(&crate::joint::Segment<'s>) -> &'s [i32],
    ) {
        let panel = panel::labels(self.plane, self.view(), side, self.name);
        for (x, y, colour) in panel.pixels.each() {
            let Some(colour) = colour else { continue };
            let share = match is_outline(&panel.pixels, x, y, colour) {
                true => 1.0,
                false => TINT,
            };
            let pixel = picture.get_pixel_mut(x, y);
            *pixel = mix(*pixel, colour, share);
        }
        let font = if picture.width() < WIDE {
            SMALL
        } else {
            NUMBER
        };
        letter(picture, &panel, font);
    }

    fn errors(&self, picture: &mut RgbImage) {
        for pixel in picture.pixels_mut() {
            *pixel = mix(BLACK, *pixel, DIMMED);
        }
        let right = palette::of_class(Class::Right);
        let panel = panel::errors(self.plane, self.view());
        for (x, y, colour) in panel.pixels.each() {
            let Some(colour) = colour else { continue };
            let pixel = picture.get_pixel_mut(x, y);
            *pixel = match colour == right {
                true => mix(*pixel, right, DIMMED),
                false => colour,
            };
        }
    }
}

/// Whether something else begins nearby.
fn is_outline(cells: &Cells<Option<Colour>>, x: u32, y: u32, colour: Colour) -> bool {
    let is_other =
        |x: u32, y: u32| x >= cells.width || y >= cells.height || cells.at(x, y) != Some(colour);
    (1..=OUTLINE).any(|by| {
        x < by
            || y < by
            || is_other(x - by, y)
            || is_other(x + by, y)
            || is_other(x, y - by)
            || is_other(x, y + by)
    })
}

/// Writes each number where it belongs, as far as it stays inside.
fn letter(picture: &mut RgbImage, panel: &Panel, font: Font) {
    for number in &panel.numbers {
        let text = font.fit(&number.text, 90);
        let place = |centre: u32, extent: u32, room: u32| {
            let last = room.saturating_sub(extent);
            i64::from(centre.saturating_sub(extent / 2).min(last))
        };
        let at = [
            place(number.at[0], font.width(&text), picture.width()),
            place(number.at[1], font.height(), picture.height()),
        ];
        font.draw_rimmed(picture, at, &text, INK);
    }
}

#[cfg(test)]
mod tests {
    use image::Luma;
    use molar_metrics::LabelRun;

    use super::*;

    fn block(label: i32, x: std::ops::Range<u32>, y: std::ops::Range<u32>) -> Vec<LabelRun> {
        let row = |y| LabelRun {
            y,
            start: x.start,
            end: x.end,
            label,
        };
        y.map(row).collect()
    }

    fn overlay<'a>(plane: &'a Plane, grey: &'a GrayImage, size: [u32; 2]) -> Overlay<'a> {
        Overlay {
            grey: Some(grey),
            plane,
            size,
            spacing: [1.0; 2],
            is_mirrored: false,
            is_upside_down: false,
            name: &Label::Value,
        }
    }

    fn count(picture: &RgbImage, colour: Colour) -> usize {
        picture.pixels().filter(|pixel| **pixel == colour).count()
    }

    /// 11 shifted by two columns, 12 invented under 13, and 14 found: at 800 × 700, one to one.
    fn plane() -> Plane {
        let reference = [
            block(11, 10..110, 20..60),
            block(12, 200..260, 20..60),
            block(14, 400..500, 300..310),
        ];
        let prediction = [
            block(11, 12..112, 20..60),
            block(13, 200..260, 20..60),
            block(14, 400..500, 300..310),
        ];
        let side = |blocks: [Vec<LabelRun>; 3]| {
            let mut runs = blocks.concat();
            runs.sort_by_key(|run| (run.y, run.start));
            runs
        };
        Plane {
            reference: side(reference),
            prediction: side(prediction),
        }
    }

    #[test]
    fn every_wrong_pixel_is_drawn_in_the_colour_of_its_error_and_no_other() {
        let (plane, grey) = (plane(), GrayImage::from_pixel(800, 700, Luma([100])));
        let picture = overlay(&plane, &grey, [800, 700]).draw(Show::Errors);
        assert_eq!(picture.dimensions(), (800, 700));
        let of = |class| count(&picture, palette::of_class(class));
        assert_eq!(of(Class::Missed), 2 * 40);
        assert_eq!(of(Class::Invented), 2 * 40);
        assert_eq!(of(Class::Wrong), 60 * 40);
        let right = mix(Rgb([50; 3]), palette::of_class(Class::Right), DIMMED);
        assert_eq!(count(&picture, right), 98 * 40 + 100 * 10);
        assert_eq!(*picture.get_pixel(10, 20), palette::of_class(Class::Missed));
        assert_eq!(
            *picture.get_pixel(111, 59),
            palette::of_class(Class::Invented)
        );
        assert_eq!(*picture.get_pixel(200, 59), palette::of_class(Class::Wrong));
        assert_eq!(*picture.get_pixel(9, 20), Rgb([50; 3]));
    }

    #[test]
    fn an_instance_has_an_outline_and_lets_the_image_through() {
        let (plane, grey) = (plane(), GrayImage::from_pixel(800, 700, Luma([100])));
        let picture = overlay(&plane, &grey, [800, 700]).draw(Show::Prediction);
        let tooth = palette::of_label(&Label::Value(11));
        assert_eq!(*picture.get_pixel(12, 30), tooth);
        assert_eq!(*picture.get_pixel(20, 40), mix(Rgb([100; 3]), tooth, TINT));
        assert_eq!(*picture.get_pixel(11, 30), Rgb([100; 3]));
        let image = overlay(&plane, &grey, [800, 700]).draw(Show::Image);
        assert_eq!(count(&image, Rgb([100; 3])), 800 * 700);
    }

    #[test]
    fn image_and_labels_are_turned_alike() {
        let mut grey = GrayImage::new(700, 650);
        for (x, y) in (0..50).flat_map(|x| (0..50).map(move |y| (x, y))) {
            grey.put_pixel(x, y, Luma([200]));
        }
        let plane = Plane {
            reference: block(11, 0..50, 0..50),
            prediction: Vec::new(),
        };
        let overlay = Overlay {
            is_mirrored: true,
            is_upside_down: true,
            ..overlay(&plane, &grey, [700, 650])
        };
        assert_eq!(
            *overlay.draw(Show::Image).get_pixel(690, 640),
            Rgb([200; 3])
        );
        let missed = palette::of_class(Class::Missed);
        assert_eq!(*overlay.draw(Show::Errors).get_pixel(690, 640), missed);
        assert_eq!(*overlay.draw(Show::Errors).get_pixel(640, 640), BLACK);
    }

    #[test]
    fn no_side_is_longer_than_1600_and_voxels_keep_their_proportions() {
        let (plane, grey) = (Plane::default(), GrayImage::new(1, 1));
        let drawn = |size, spacing| {
            let overlay = Overlay {
                spacing,
                ..overlay(&plane, &grey, size)
            };
            let drawn = overlay.drawn();
            assert_eq!(overlay.draw(Show::Errors).dimensions(), drawn.into());
            drawn
        };
        assert_eq!(drawn([2440, 1280], [1.0; 2]), [1600, 839]);
        assert_eq!(drawn([90_000, 2], [1.0; 2]), [1600, 8]);
        assert_eq!(drawn([64, 64], [0.3; 2]), [640, 640]);
        assert_eq!(drawn([400, 200], [0.25, 0.5]), [640, 640]);
        assert_eq!(drawn([400, 400], [0.3, f64::NAN]), [640, 640]);
        assert_eq!(drawn([1, 1], [1.0; 2]), [640, 640]);
    }
}
