//! Lettering.

use crate::ink::{Paint, Tone};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Font {
    pub size: f64,
    pub is_bold: bool,
    pub is_serif: bool,
    pub paint: Paint,
    pub anchor: Anchor,
    /// A rim of paper, so that it can be read across lines.
    pub has_halo: bool,
}

pub(crate) const BODY: Font = Font {
    size: 12.5,
    is_bold: false,
    is_serif: false,
    paint: Paint::Tone(Tone::Ink),
    anchor: Anchor::Start,
    has_halo: false,
};

pub(crate) const SMALL: Font = Font {
    size: 11.5,
    paint: Paint::Tone(Tone::Grey),
    ..BODY
};

pub(crate) const HEAD: Font = Font {
    size: 17.0,
    is_bold: true,
    is_serif: true,
    ..BODY
};

impl Font {
    pub const fn middle(self) -> Self {
        Self {
            anchor: Anchor::Middle,
            ..self
        }
    }

    pub fn end(self) -> Self {
        Self {
            anchor: Anchor::End,
            ..self
        }
    }

    pub fn anchored(self, anchor: Anchor) -> Self {
        Self { anchor, ..self }
    }

    pub const fn bold(self) -> Self {
        Self {
            is_bold: true,
            ..self
        }
    }

    pub fn halo(self) -> Self {
        Self {
            has_halo: true,
            ..self
        }
    }

    pub fn size(self, size: f64) -> Self {
        Self { size, ..self }
    }

    pub fn paint(self, paint: impl Into<Paint>) -> Self {
        Self {
            paint: paint.into(),
            ..self
        }
    }
}
