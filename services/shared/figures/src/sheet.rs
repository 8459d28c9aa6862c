//! What a figure is drawn on.

/// Something that can be drawn.
pub trait Figure {
    /// A complete SVG with a title and a description for who does not see it.
    fn svg(&self, sheet: &Sheet<'_>) -> String;
}

/// Where a figure will be seen, which decides how it is coloured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// Inside a page of ours: colours are the variables of its stylesheet, and nothing is a style,
    /// which the pages' policy forbids.
    Page,
    /// A file of its own, light or dark as whoever opens it prefers.
    File,
    /// A file that is always light: for paper, and for programs that know no media queries.
    Light,
    /// A file that is always dark.
    Dark,
}

/// The size of a figure, its place and the name of its elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sheet<'a> {
    /// Unique on a page; what is no letter, digit, `-` or `_` becomes `-`.
    pub id: &'a str,
    pub look: Look,
    /// In pixels of CSS, at which the letters have the size of a page's small print. Between 320 and 1600.
    pub width: u32,
    /// Entries shown at most; at least 1.
    pub most: usize,
}

impl<'a> Sheet<'a> {
    /// On a page, for windows that are not narrow.
    pub fn wide(id: &'a str) -> Self {
        Self {
            id,
            look: Look::Page,
            width: 720,
            most: 30,
        }
    }

    /// On a page, for telephones.
    pub fn narrow(id: &'a str) -> Self {
        Self {
            width: 360,
            most: 12,
            ..Self::wide(id)
        }
    }

    /// In a file that adapts to its reader.
    pub fn file(id: &'a str) -> Self {
        Self {
            look: Look::File,
            ..Self::wide(id)
        }
    }

    pub fn look(self, look: Look) -> Self {
        Self { look, ..self }
    }
}

/// A figure in both layouts, wide and narrow, for a page of which one is hidden by these two rules:
///
/// ```css
/// @media (max-width: 40rem) { .figure-wide { display: none; } }
/// @media (min-width: 40.01rem) { .figure-narrow { display: none; } }
/// ```
///
/// The hidden one is not read aloud either.
pub fn responsive(figure: &dyn Figure, id: &str) -> String {
    let narrow = format!("{id}-narrow");
    let wide = figure.svg(&Sheet::wide(id));
    format!("{wide}\n{}", figure.svg(&Sheet::narrow(&narrow)))
}
