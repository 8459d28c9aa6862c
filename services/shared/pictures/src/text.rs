//! Lettering: Noto Sans Mono, rasterised beforehand.

use image::RgbImage;
use noto_sans_mono_bitmap::{FontWeight, RasterHeight, get_raster, get_raster_width};

use crate::palette::{BLACK, Colour, mix};

#[derive(Debug, Clone, Copy)]
pub struct Font {
    size: RasterHeight,
    weight: FontWeight,
}

pub const TITLE: Font = Font {
    size: RasterHeight::Size32,
    weight: FontWeight::Bold,
};
pub const CAPTION: Font = Font {
    size: RasterHeight::Size24,
    weight: FontWeight::Regular,
};
pub const HEADING: Font = Font {
    size: RasterHeight::Size24,
    weight: FontWeight::Bold,
};
pub const NUMBER: Font = Font {
    size: RasterHeight::Size24,
    weight: FontWeight::Bold,
};
/// Of small pictures.
pub const SMALL: Font = Font {
    size: RasterHeight::Size16,
    weight: FontWeight::Bold,
};

impl Font {
    pub fn height(self) -> u32 {
        self.size.val() as u32
    }

    pub fn width(self, text: &str) -> u32 {
        let characters = text.chars().count() as u32;
        characters * get_raster_width(self.weight, self.size) as u32
    }

    /// Cuts what is wider than `width`, and says so with dots.
    pub fn fit(self, text: &str, width: u32) -> String {
        if self.width(text) <= width {
            return text.to_owned();
        }
        let room = width / self.width("0");
        let kept = text.chars().take((room as usize).saturating_sub(3));
        kept.chain("...".chars()).take(room as usize).collect()
    }

    /// What lies outside the picture is left out.
    pub fn draw(self, picture: &mut RgbImage, [x, y]: [i64; 2], text: &str, colour: Colour) {
        self.each_pixel(text, |dx, dy, share| {
            blend(picture, [x + dx, y + dy], colour, share);
        });
    }

    /// On a rim of black, to be read on any colour.
    pub fn draw_rimmed(self, picture: &mut RgbImage, at: [i64; 2], text: &str, colour: Colour) {
        for (dx, dy) in (-2..=2).flat_map(|dx| (-2..=2).map(move |dy| (dx, dy))) {
            if dx * dx + dy * dy <= 5 {
                self.draw(picture, [at[0] + dx, at[1] + dy], text, BLACK);
            }
        }
        self.draw(picture, at, text, colour);
    }

    fn each_pixel(self, text: &str, mut on_pixel: impl FnMut(i64, i64, f64)) {
        let advance = get_raster_width(self.weight, self.size);
        for (at, character) in text.chars().enumerate() {
            let raster = |character| get_raster(character, self.weight, self.size);
            let Some(raster) = raster(character).or_else(|| raster('?')) else {
                continue;
            };
            for (y, row) in raster.rows().enumerate() {
                for (x, share) in row.iter().enumerate().filter(|(_, share)| **share > 0) {
                    let x = (at * advance + x) as i64;
                    on_pixel(x, y as i64, f64::from(*share) / 255.0);
                }
            }
        }
    }
}

fn blend(picture: &mut RgbImage, [x, y]: [i64; 2], colour: Colour, share: f64) {
    if let (Ok(x), Ok(y)) = (u32::try_from(x), u32::try_from(y))
        && let Some(pixel) = picture.get_pixel_mut_checked(x, y)
    {
        *pixel = mix(*pixel, colour, share);
    }
}

#[cfg(test)]
mod tests {
    use image::Rgb;

    use super::*;

    const WHITE: Colour = Rgb([255; 3]);

    fn written(text: &str, at: [i64; 2]) -> RgbImage {
        let mut picture = RgbImage::new(100, 40);
        CAPTION.draw(&mut picture, at, text, WHITE);
        picture
    }

    #[test]
    fn text_that_is_too_long_is_cut_with_dots() {
        let width = CAPTION.width("0123456789");
        assert_eq!(CAPTION.fit("0123456789", width), "0123456789");
        assert_eq!(CAPTION.fit("0123456789a", width), "0123456...");
        assert_eq!(CAPTION.fit("0123456789", CAPTION.width("00")), "..");
        assert_eq!(CAPTION.fit("0123456789", 0), "");
    }

    #[test]
    fn text_stays_within_its_width_and_height() {
        let picture = written("18,gQ", [7, 9]);
        let width = 7 + CAPTION.width("18,gQ");
        let inside = |x, y| (7..width).contains(&x) && (9..9 + CAPTION.height()).contains(&y);
        let lit = picture
            .enumerate_pixels()
            .filter(|(_, _, pixel)| pixel.0 != [0; 3]);
        let lit: Vec<_> = lit.map(|(x, y, _)| (x, y)).collect();
        assert!(lit.len() > 100);
        assert!(lit.into_iter().all(|(x, y)| inside(x, y)));
    }

    #[test]
    fn a_letter_without_a_form_is_a_question_mark() {
        assert_eq!(written("牙齿", [0, 0]), written("??", [0, 0]));
        assert_ne!(written("é", [0, 0]), written("?", [0, 0]));
    }

    #[test]
    fn what_lies_outside_the_picture_is_left_out() {
        for at in [[-5, -5], [95, 35]] {
            written("18", at);
        }
        for at in [[-50, 0], [0, -50], [100, 0], [0, i64::from(u32::MAX)]] {
            assert!(written("18", at).pixels().all(|pixel| pixel.0 == [0; 3]));
        }
    }
}
