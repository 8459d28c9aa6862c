//! What figures are written with: elements, lettering, and the frame around them.

use std::fmt::Write;

use crate::font::{Anchor, BODY, Font, HEAD, SMALL};
use crate::ink::{Paint, Tone};
use crate::number::tenth;
use crate::sheet::{Look, Sheet};
use crate::tag::Tag;
use crate::text::{clean, cut, escape, whole, width, wrap};

const SANS: &str =
    "system-ui,-apple-system,'Segoe UI',Roboto,'Noto Sans','Liberation Sans',sans-serif";
const SERIF: &str = "Charter,'Bitstream Charter','Sitka Text',Cambria,'Noto Serif',Georgia,serif";
/// Below this width names stand above what they name.
const NARROW: f64 = 520.0;
/// Between the edge and what is drawn.
pub(crate) const EDGE: f64 = 12.0;

pub(crate) struct Canvas<'a> {
    sheet: Sheet<'a>,
    id: String,
    pub width: f64,
    body: String,
    has_hatch: bool,
}

impl<'a> Canvas<'a> {
    pub fn new(sheet: &Sheet<'a>) -> Self {
        let letter = |c: char| match c.is_ascii_alphanumeric() || c == '_' {
            true => c,
            false => '-',
        };
        Self {
            sheet: *sheet,
            id: sheet.id.chars().map(letter).collect(),
            width: f64::from(sheet.width.clamp(320, 1600)),
            body: String::new(),
            has_hatch: false,
        }
    }

    pub fn is_narrow(&self) -> bool {
        self.width < NARROW
    }

    /// Of entries, how many are shown.
    pub fn most(&self) -> usize {
        self.sheet.most.max(1)
    }

    pub fn tag(&mut self, name: &'static str) -> Tag<'_> {
        Tag {
            out: &mut self.body,
            look: self.sheet.look,
            id: &self.id,
            name,
            attributes: String::new(),
            classes: Vec::new(),
            inner: String::new(),
        }
    }

    pub fn path(&mut self, d: &str) -> Tag<'_> {
        self.tag("path").with("d", d)
    }

    pub fn rect(&mut self, x: f64, y: f64, width: f64, height: f64) -> Tag<'_> {
        let tag = self.tag("rect").at("x", x).at("y", y);
        tag.at("width", width.max(0.0))
            .at("height", height.max(0.0))
    }

    pub fn circle(&mut self, x: f64, y: f64, r: f64) -> Tag<'_> {
        self.tag("circle").at("cx", x).at("cy", y).at("r", r)
    }

    /// A thin line across or up.
    pub fn rule(&mut self, from: (f64, f64), to: (f64, f64), tone: Tone) {
        let d = format!(
            "M{} {}L{} {}",
            tenth(from.0),
            tenth(from.1),
            tenth(to.0),
            tenth(to.1)
        );
        self.path(&d).no_fill().stroke(tone, 1.0).put();
    }

    /// Patterns are defined once, at the end.
    pub fn hatch(&mut self) -> Paint {
        self.has_hatch = true;
        Paint::Hatch
    }

    /// What is drawn until [`end`](Self::end) has one tip.
    pub fn begin(&mut self, tip: &str) {
        let _ = writeln!(self.body, "<g><title>{}</title>", escape(tip));
    }

    pub fn end(&mut self) {
        self.body.push_str("</g>\n");
    }

    pub fn text(&mut self, x: f64, y: f64, font: Font, text: &str) {
        self.lettering(x, y, font).text(text).put();
    }

    /// A name within its room, whole under the pointer where it had to be cut.
    pub fn name(&mut self, x: f64, y: f64, font: Font, room: f64, name: &str) {
        let (short, is_cut) = cut(name, room, bolder(font));
        let tag = self.lettering(x, y, font);
        match is_cut {
            true => tag.tip(&whole(name)).text(&short).put(),
            false => tag.text(&short).put(),
        }
    }

    fn lettering(&mut self, x: f64, y: f64, font: Font) -> Tag<'_> {
        let serif = match self.sheet.look {
            Look::Page => format!("var(--serif,{SERIF})"),
            _ => SERIF.to_owned(),
        };
        let mut tag = self.tag("text").at("x", x).at("y", y).fill(font.paint);
        if font.size != BODY.size {
            tag = tag.at("font-size", font.size);
        }
        if font.is_bold {
            tag = tag.with("font-weight", "600");
        }
        if font.is_serif {
            tag = tag.with("font-family", &serif);
        }
        if font.has_halo {
            tag = tag.stroke(Tone::Paper, 3.0);
            tag = tag
                .with("stroke-linejoin", "round")
                .with("paint-order", "stroke");
        }
        match font.anchor {
            Anchor::Start => tag,
            Anchor::Middle => tag.with("text-anchor", "middle"),
            Anchor::End => tag.with("text-anchor", "end"),
        }
    }

    /// Title and finding at the top; gives where they end.
    pub fn head(&mut self, title: &str, finding: &str) -> f64 {
        let room = self.width - 2.0 * EDGE;
        let size = match self.is_narrow() {
            true => 15.5,
            false => HEAD.size,
        };
        let mut y = 8.0 + size;
        // Long titles are cut after the second line.
        let lines = wrap(&clean(title), room, size * 1.05);
        for line in lines.iter().take(2) {
            self.name(EDGE, y, HEAD.size(size), room, line);
            y += size * 1.25;
        }
        self.sentences(y + 1.0, finding) - 5.0
    }

    /// Wrapped lines of small print over the whole width; gives where they end.
    pub fn sentences(&mut self, y: f64, text: &str) -> f64 {
        let (room, font) = (self.width - 2.0 * EDGE, BODY.paint(Tone::Grey));
        let lines = wrap(text, room, font.size);
        for (at, line) in lines.iter().enumerate() {
            let y = y + at as f64 * 17.0;
            match width(line, font.size) > room {
                // A single word that is longer than a line.
                true => self.name(EDGE, y, font, room, line),
                false => self.text(EDGE, y, font, line),
            }
        }
        y + lines.len() as f64 * 17.0
    }

    /// In place of what is not there; gives where it ends.
    pub fn nothing(&mut self, y: f64, text: &str) -> f64 {
        let (width, middle) = (self.width - 2.0 * EDGE, self.width / 2.0);
        let frame = self.rect(EDGE, y, width, 84.0).at("rx", 8.0).no_fill();
        frame
            .stroke(Tone::Strong, 1.0)
            .with("stroke-dasharray", "4 3")
            .put();
        self.text(middle, y + 46.0, BODY.middle().paint(Tone::Grey), text);
        y + 84.0
    }

    /// What was left out, if anything; gives where it ends.
    pub fn more(&mut self, y: f64, left: usize, of: &str) -> f64 {
        if left == 0 {
            return y;
        }
        let text = format!("… and {} more {of}", crate::number::thousands(left));
        self.text(EDGE, y + 14.0, SMALL, &text);
        y + 20.0
    }

    /// The whole SVG, `height` being where the drawing ends.
    pub fn finish(self, title: &str, description: &str, height: f64) -> String {
        let (id, width) = (&self.id, tenth(self.width));
        let height = tenth(height + EDGE);
        let is_page = self.sheet.look == Look::Page;
        let layout = match self.is_narrow() {
            true => "narrow",
            false => "wide",
        };
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"figure figure-{layout}\" viewBox=\"0 0 {width} {height}\" width=\"{width}\""
        );
        // On a page the height follows from the width.
        if !is_page {
            let _ = write!(svg, " height=\"{height}\"");
        }
        let font = match is_page {
            true => format!("var(--sans,{SANS})"),
            false => SANS.to_owned(),
        };
        let _ = writeln!(
            svg,
            " role=\"img\" aria-labelledby=\"{id}-title {id}-desc\" font-family=\"{}\" font-size=\"{}\">\n<title id=\"{id}-title\">{}</title>\n<desc id=\"{id}-desc\">{}</desc>",
            escape(&font),
            BODY.size,
            escape(&clean(title)),
            escape(description),
        );
        svg += &self.style();
        svg += &self.definitions();
        svg += &self.body;
        svg += "</svg>";
        svg
    }

    /// A file turns dark by itself, and brings its paper.
    fn style(&self) -> String {
        let look = self.sheet.look;
        let mut style = String::new();
        if look == Look::File {
            let rules = Tone::ALL.map(|tone| {
                let (name, _, dark) = tone.parts();
                let dark = dark.hex();
                format!(".f-{name}{{fill:{dark}}}.s-{name}{{stroke:{dark}}}")
            });
            style = format!(
                "<style>@media (prefers-color-scheme:dark){{{}}}</style>\n",
                rules.concat()
            );
        }
        if look != Look::Page {
            let (paper, class) = Paint::Tone(Tone::Paper).value(look, &self.id);
            let class = class.map_or(String::new(), |name| format!(" class=\"f-{name}\""));
            let _ = writeln!(
                style,
                "<rect{class} width=\"100%\" height=\"100%\" fill=\"{paper}\"/>"
            );
        }
        style
    }

    fn definitions(&self) -> String {
        if !self.has_hatch {
            return String::new();
        }
        let (grey, class) = Paint::Tone(Tone::Strong).value(self.sheet.look, &self.id);
        let class = class.map_or(String::new(), |name| format!(" class=\"s-{name}\""));
        format!(
            "<defs><pattern id=\"{}-hatch\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\"><path{class} d=\"M-1 1l2 -2M0 6l6 -6M5 7l2 -2\" stroke=\"{grey}\" stroke-width=\"1.2\"/></pattern></defs>\n",
            self.id
        )
    }
}

/// The size at which bold letters are as wide.
fn bolder(font: Font) -> f64 {
    match font.is_bold {
        true => font.size * 1.1,
        false => font.size,
    }
}

/// The widest of these names, but no more than `most`.
pub(crate) fn widest<'n>(names: impl IntoIterator<Item = &'n str>, font: Font, most: f64) -> f64 {
    let widths = names
        .into_iter()
        .map(|name| width(&clean(name), bolder(font)));
    widths.fold(0.0, f64::max).min(most)
}
