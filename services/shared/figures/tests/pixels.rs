//! Figures as pixels: with letters, light, of the size that was asked for.

#[expect(dead_code, reason = "others look at the SVG")]
mod common;

use common::{Made, each, nasty};
use molar_figures::{Look, Sheet, Undrawn, png};
use resvg::tiny_skia::Pixmap;

/// An SVG of this size that shows a text.
fn shown(text: &str) -> String {
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"160\" height=\"40\" font-family=\"system-ui,sans-serif\" font-size=\"20\">\
         <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/><text x=\"4\" y=\"28\">{text}</text></svg>"
    )
}

fn pixels(svg: &str, scale: u8) -> Pixmap {
    let drawn = png(svg, scale).expect("a picture");
    Pixmap::decode_png(&drawn).expect("a PNG")
}

/// How many are darker than the paper.
fn inked(text: &str) -> usize {
    let pixels = pixels(&shown(text), 1);
    pixels.pixels().iter().filter(|one| one.red() < 128).count()
}

fn made(names: Vec<String>) -> Made {
    let values = (0..names.len()).map(|at| (0..7).map(move |case| Some((at + case) as f64 / 20.0)));
    Made {
        values: values.map(Iterator::collect).collect(),
        names,
    }
}

#[test]
fn a_file_is_drawn_light_whatever_its_rules_for_the_dark() {
    let names = ["incisor", "Zahn & Co.", "cusp"].map(str::to_owned);
    let mut drawn = 0;
    each(&made(names.to_vec()), &mut |figure| {
        let file = png(&figure.svg(&Sheet::file("a")), 1).unwrap();
        let light = Sheet::file("a").look(Look::Light);
        assert!(file == png(&figure.svg(&light), 1).unwrap());
        let dark = Sheet::file("a").look(Look::Dark);
        assert!(file != png(&figure.svg(&dark), 1).unwrap());
        drawn += 1;
    });
    assert!(drawn >= 9, "{drawn}");
}

#[test]
fn letters_are_there_whatever_fonts_the_machine_has() {
    assert_eq!(inked(""), 0);
    assert!(inked("Dice") > 40);
    // Bold is another face, and a name in its direction takes nothing from its letters.
    assert!(inked("<tspan font-weight=\"600\">Dice</tspan>") > inked("Dice") * 5 / 4);
    assert_eq!(inked("\u{2068}Dice\u{2069}"), inked("Dice"));
    // Joined, as its writers join it: letters that stand alone are others.
    let joined = inked("فريق");
    let apart = inked("ف ر ي ق");
    assert!(joined > 20 && joined != apart, "{joined} {apart}");
    assert!(inked("צוות") > 20);
}

#[test]
fn what_no_letter_is_for_is_drawn_as_boxes_beside_what_can_be_read() {
    for text in ["牙齿", "👨‍👩‍👧‍👦", "a牙", "🦷 Tooth"] {
        assert!(inked(text) > 20, "{text}");
    }
    assert!(inked("牙 Tooth") > inked("Tooth"));
    each(&made(nasty()), &mut |figure| {
        png(&figure.svg(&Sheet::file("a")), 1).unwrap();
    });
}

#[test]
fn a_picture_is_as_large_as_was_asked_for_and_the_same_each_time() {
    for (scale, size) in [(0, (160, 40)), (1, (160, 40)), (3, (480, 120))] {
        let drawn = pixels(&shown("Dice"), scale);
        assert_eq!((drawn.width(), drawn.height()), size);
    }
    assert!(png(&shown("Dice"), 2).unwrap() == png(&shown("Dice"), 2).unwrap());
}

#[test]
fn what_is_too_large_or_no_figure_is_not_drawn() {
    let large = shown("Dice").replace("width=\"160\"", "width=\"500000\"");
    let refused = png(&large, 1);
    assert!(
        matches!(refused, Err(Undrawn::TooLarge { .. })),
        "{refused:?}"
    );
    assert!(matches!(png("<p/>", 1), Err(Undrawn::Unreadable(_))));
    assert!(png("", 1).is_err());
}
