//! Where things stand in the picture.

use image::RgbImage;

use crate::palette::{BLACK, Colour, INK, LINE};
use crate::panel::Panel;
use crate::text::{CAPTION, Font, NUMBER};

pub const MARGIN: u32 = 32;
pub const GAP: u32 = 24;
/// A caption above its panel.
pub const CAPTION_HEIGHT: u32 = 36;

pub fn fill(picture: &mut RgbImage, [x, y]: [u32; 2], [width, height]: [u32; 2], colour: Colour) {
    for y in y..y + height {
        for x in x..x + width {
            if let Some(pixel) = picture.get_pixel_mut_checked(x, y) {
                *pixel = colour;
            }
        }
    }
}

/// Text that ends before `x`.
pub fn right_aligned(
    picture: &mut RgbImage,
    font: Font,
    [x, y]: [u32; 2],
    text: &str,
    ink: Colour,
) {
    let start = i64::from(x) - i64::from(font.width(text));
    font.draw(picture, [start, y.into()], text, ink);
}

/// The panel in the middle of its box, under its caption. Returns where the panel starts.
pub fn place(
    picture: &mut RgbImage,
    [x, y]: [u32; 2],
    [width, height]: [u32; 2],
    caption: &str,
    panel: &Panel,
) -> [u32; 2] {
    let caption = CAPTION.fit(caption, width);
    CAPTION.draw(picture, [x.into(), y.into()], &caption, INK);
    let y = y + CAPTION_HEIGHT;
    fill(picture, [x - 1, y - 1], [width + 2, height + 2], LINE);
    fill(picture, [x, y], [width, height], BLACK);
    let (left, top) = (
        x + (width - panel.pixels.width) / 2,
        y + (height - panel.pixels.height) / 2,
    );
    for (dx, dy, colour) in panel.pixels.each() {
        if let Some(colour) = colour {
            picture.put_pixel(left + dx, top + dy, colour);
        }
    }
    for number in &panel.numbers {
        let text = NUMBER.fit(&number.text, 90);
        let (wide, high) = (NUMBER.width(&text), NUMBER.height());
        let at = [
            within(left + number.at[0], wide, x, width),
            within(top + number.at[1], high, y, height),
        ];
        NUMBER.draw_rimmed(picture, at, &text, INK);
    }
    [left, top]
}

/// Where something starts that has `centre`, or as near to it as the box allows.
fn within(centre: u32, extent: u32, start: u32, room: u32) -> i64 {
    let last = start + room.saturating_sub(extent);
    centre.saturating_sub(extent / 2).clamp(start, last).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_at_the_rim_is_moved_inside() {
        assert_eq!(within(150, 20, 100, 100), 140);
        assert_eq!(within(101, 20, 100, 100), 100);
        assert_eq!(within(199, 20, 100, 100), 180);
        assert_eq!(within(105, 20, 100, 10), 100);
    }
}
