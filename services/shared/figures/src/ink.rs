//! Colours: those of the page, which have a light and a dark form, and those that are for both.

use crate::sheet::Look;

/// Red, green, blue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rgb(pub u8, pub u8, pub u8);

/// What the page's stylesheet has a variable for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    Ink,
    Grey,
    Line,
    Strong,
    Paper,
    Sunken,
    Accent,
    Soft,
    Gold,
}

impl Tone {
    pub const ALL: [Self; 9] = [
        Self::Ink,
        Self::Grey,
        Self::Line,
        Self::Strong,
        Self::Paper,
        Self::Sunken,
        Self::Accent,
        Self::Soft,
        Self::Gold,
    ];

    /// The variable, its light and its dark value: those of `web-kit`'s stylesheet, held by a test.
    pub fn parts(self) -> (&'static str, Rgb, Rgb) {
        match self {
            Self::Ink => ("ink", Rgb(0x1d, 0x25, 0x28), Rgb(0xe4, 0xe8, 0xe6)),
            Self::Grey => ("grey", Rgb(0x5c, 0x67, 0x6b), Rgb(0x9a, 0xa6, 0xa8)),
            Self::Line => ("line", Rgb(0xdc, 0xd9, 0xcd), Rgb(0x2d, 0x38, 0x3b)),
            Self::Strong => ("line-strong", Rgb(0xb9, 0xb6, 0xa8), Rgb(0x4a, 0x57, 0x5a)),
            Self::Paper => ("paper", Rgb(0xfb, 0xfa, 0xf6), Rgb(0x12, 0x18, 0x1a)),
            Self::Sunken => ("sunken", Rgb(0xf2, 0xf0, 0xe8), Rgb(0x20, 0x29, 0x2c)),
            Self::Accent => ("accent", Rgb(0x0e, 0x6a, 0x6f), Rgb(0x6c, 0xc5, 0xc4)),
            Self::Soft => ("accent-soft", Rgb(0xe0, 0xef, 0xee), Rgb(0x17, 0x35, 0x37)),
            Self::Gold => ("gold", Rgb(0xd9, 0xa4, 0x41), Rgb(0xd9, 0xa4, 0x41)),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Paint {
    Tone(Tone),
    Fixed(Rgb),
    /// Lines aslant: nothing was measured here.
    Hatch,
}

impl From<Tone> for Paint {
    fn from(tone: Tone) -> Self {
        Self::Tone(tone)
    }
}

impl From<Rgb> for Paint {
    fn from(colour: Rgb) -> Self {
        Self::Fixed(colour)
    }
}

impl Paint {
    /// As an attribute's value, and the class by which a file changes it in the dark.
    pub fn value(self, look: Look, id: &str) -> (String, Option<&'static str>) {
        match self {
            Self::Hatch => (format!("url(#{id}-hatch)"), None),
            Self::Fixed(colour) => (colour.hex(), None),
            Self::Tone(tone) => {
                let (name, light, dark) = tone.parts();
                match look {
                    // Also on a page that is not ours letters can be read.
                    Look::Page if tone == Tone::Ink => ("var(--ink,currentColor)".to_owned(), None),
                    Look::Page => (format!("var(--{name},{})", light.hex()), None),
                    Look::Light => (light.hex(), None),
                    Look::Dark => (dark.hex(), None),
                    Look::File => (light.hex(), Some(name)),
                }
            }
        }
    }
}

impl Rgb {
    pub fn hex(self) -> String {
        format!("#{:02x}{:02x}{:02x}", self.0, self.1, self.2)
    }

    /// Relative luminance after WCAG 2.
    fn luminance(self) -> f64 {
        let linear = |channel: u8| {
            let share = f64::from(channel) / 255.0;
            match share <= 0.04045 {
                true => share / 12.92,
                false => ((share + 0.055) / 1.055).powf(2.4),
            }
        };
        0.2126 * linear(self.0) + 0.7152 * linear(self.1) + 0.0722 * linear(self.2)
    }

    pub fn contrast(self, other: Self) -> f64 {
        let (a, b) = (self.luminance(), other.luminance());
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    /// Black or white, whichever is read better on it.
    pub fn lettering(self) -> Self {
        let (black, white) = (Self(0x10, 0x14, 0x16), Self(0xff, 0xff, 0xff));
        match self.contrast(black) >= self.contrast(white) {
            true => black,
            false => white,
        }
    }
}

pub(crate) const BLUE: Rgb = Rgb(0x00, 0x77, 0xba);
pub(crate) const SKY: Rgb = Rgb(0x45, 0x92, 0xc4);
pub(crate) const VERMILION: Rgb = Rgb(0xd5, 0x5e, 0x00);
pub(crate) const BRONZE: Rgb = Rgb(0xb1, 0x74, 0x3f);

/// After Okabe and Ito (2008), those too light or too dark for one of the two papers moved to
/// where both leave a contrast of 3. A marker of its own goes with each.
const SERIES: [Rgb; 6] = [
    BLUE,
    VERMILION,
    Rgb(0x00, 0x95, 0x6c),
    Rgb(0xbf, 0x68, 0x98),
    Rgb(0xa8, 0x78, 0x00),
    SKY,
];

/// How many lines are told apart by colour; further ones are grey.
pub(crate) const SERIES_COUNT: usize = SERIES.len();

pub(crate) fn series(at: usize) -> Paint {
    match SERIES.get(at) {
        Some(colour) => Paint::Fixed(*colour),
        None => Paint::Tone(Tone::Strong),
    }
}

/// Viridis at tenths of its length: equal steps look equal, also in grey and to the colour-blind.
const SCALE: [Rgb; 11] = [
    Rgb(0x44, 0x01, 0x54),
    Rgb(0x48, 0x24, 0x75),
    Rgb(0x41, 0x44, 0x87),
    Rgb(0x35, 0x5f, 0x8d),
    Rgb(0x2a, 0x78, 0x8e),
    Rgb(0x21, 0x91, 0x8c),
    Rgb(0x22, 0xa8, 0x84),
    Rgb(0x44, 0xbf, 0x70),
    Rgb(0x7a, 0xd1, 0x51),
    Rgb(0xbd, 0xdf, 0x26),
    Rgb(0xfd, 0xe7, 0x25),
];

/// The colour at a share of the scale, 0 to 1.
pub(crate) fn scale(share: f64) -> Rgb {
    let place = share.clamp(0.0, 1.0) * (SCALE.len() - 1) as f64;
    // Below the last but one, so that there is a next.
    let below = (place.floor() as usize).min(SCALE.len() - 2);
    let part = place - below as f64;
    let (from, to) = (SCALE[below], SCALE[below + 1]);
    let mix = |a: u8, b: u8| (f64::from(a) + (f64::from(b) - f64::from(a)) * part).round() as u8;
    Rgb(mix(from.0, to.0), mix(from.1, to.1), mix(from.2, to.2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_drawn_stands_out_on_both_papers() {
        let papers = [
            Tone::Paper.parts().1,
            Tone::Paper.parts().2,
            Rgb(255, 255, 255),
        ];
        for paper in papers {
            for colour in SERIES.into_iter().chain([BRONZE]) {
                let contrast = colour.contrast(paper);
                assert!(contrast >= 3.0, "{colour:?} on {paper:?}: {contrast:.2}");
            }
        }
        for (tone, least) in [(Tone::Ink, 7.0), (Tone::Grey, 4.5), (Tone::Accent, 4.5)] {
            let ((_, light, dark), (_, paper, night)) = (tone.parts(), Tone::Paper.parts());
            assert!(
                light.contrast(paper) >= least && dark.contrast(night) >= least,
                "{tone:?}"
            );
        }
    }

    #[test]
    fn every_colour_can_be_written_on() {
        let scale_of = (0..=100).map(|step| scale(f64::from(step) / 100.0));
        for colour in scale_of.chain(SERIES) {
            let contrast = colour.contrast(colour.lettering());
            assert!(contrast >= 4.2, "{colour:?}: {contrast:.2}");
        }
        assert_eq!((scale(-1.0), scale(7.0)), (SCALE[0], SCALE[10]));
        assert_eq!(scale(0.5), SCALE[5]);
    }

    #[test]
    fn tones_are_those_of_the_stylesheet() {
        let css = include_str!("../../web-kit/assets/molar.css");
        let (light, rest) = css.split_once("prefers-color-scheme: dark").unwrap();
        let dark = rest.split_once("\n}").unwrap().0;
        for tone in Tone::ALL {
            let (name, bright, night) = tone.parts();
            for (part, colour) in [(light, bright), (dark, night)] {
                let rule = format!("--{name}: {};", colour.hex());
                assert!(part.contains(&rule), "{rule}");
            }
        }
    }
}
