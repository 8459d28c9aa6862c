//! Named rows: names in a column on the left, or above their row where the sheet is narrow.

use crate::canvas::{Canvas, EDGE, widest};
use crate::font::{BODY, Font, SMALL};
use crate::ink::Tone;

/// Where rows lie and how much of each is for drawing.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rows {
    pub from: f64,
    pub to: f64,
    pub top: f64,
    pub count: usize,
    height: f64,
    /// Where a name begins, after what leads it.
    label: f64,
    label_room: f64,
    is_narrow: bool,
}

const FONT: Font = BODY;
/// Of the line of a name above its row.
const LINE: f64 = 17.0;

impl Rows {
    /// `lead` is the room for a rank before the name, `right` that for a figure after the row,
    /// `thick` the height of what is drawn.
    pub fn new(
        canvas: &Canvas<'_>,
        names: &[&str],
        top: f64,
        lead: f64,
        right: f64,
        thick: f64,
    ) -> Self {
        let (is_narrow, label) = (canvas.is_narrow(), EDGE + lead);
        let whole = canvas.width - 2.0 * EDGE;
        let label_room = match is_narrow {
            true => whole - lead - right,
            false => widest(names.iter().copied(), FONT, whole * 0.27),
        };
        Self {
            from: if is_narrow {
                EDGE + 6.0
            } else {
                label + label_room + 16.0
            },
            to: canvas.width - EDGE - if is_narrow { 6.0 } else { right },
            top,
            count: names.len(),
            height: if is_narrow {
                thick + LINE + 4.0
            } else {
                thick + 2.0
            },
            label,
            label_room,
            is_narrow,
        }
    }

    /// The middle of what is drawn of a row.
    pub fn middle(&self, row: usize) -> f64 {
        let top = self.top + row as f64 * self.height;
        match self.is_narrow {
            true => top + LINE + (self.height - LINE) / 2.0,
            false => top + self.height / 2.0,
        }
    }

    pub fn bottom(&self) -> f64 {
        self.top + self.count as f64 * self.height
    }

    /// Name, what leads it, and the figure at the end of the row.
    pub fn label(&self, canvas: &mut Canvas<'_>, row: usize, lead: &str, name: &str, figure: &str) {
        let y = self.baseline(row);
        if !lead.is_empty() {
            canvas.text(self.label - 8.0, y, FONT.end().bold(), lead);
        }
        canvas.name(self.label, y, FONT, self.label_room, name);
        if !figure.is_empty() {
            canvas.text(canvas.width - EDGE, y, FONT.end(), figure);
        }
        if self.is_narrow && row > 0 {
            let y = self.top + row as f64 * self.height + 1.0;
            canvas.rule((EDGE, y), (canvas.width - EDGE, y), Tone::Line);
        }
    }

    /// What the figures at the ends of the rows are, above the first.
    pub fn head(&self, canvas: &mut Canvas<'_>, text: &str) {
        canvas.text(canvas.width - EDGE, self.top - 5.0, SMALL.end(), text);
    }

    fn baseline(&self, row: usize) -> f64 {
        match self.is_narrow {
            true => self.top + row as f64 * self.height + LINE - 2.0,
            false => self.middle(row) + 4.3,
        }
    }
}
