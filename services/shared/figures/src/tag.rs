//! One element of an SVG while it is written.

use std::fmt::Write;

use crate::ink::Paint;
use crate::number::tenth;
use crate::sheet::Look;
use crate::text::escape;

/// Appended to its figure by [`put`](Self::put).
pub(crate) struct Tag<'c> {
    pub out: &'c mut String,
    pub look: Look,
    pub id: &'c str,
    pub name: &'static str,
    pub attributes: String,
    pub classes: Vec<String>,
    pub inner: String,
}

impl Tag<'_> {
    /// A number, to a tenth.
    pub fn at(mut self, key: &str, value: f64) -> Self {
        let _ = write!(self.attributes, " {key}=\"{}\"", tenth(value));
        self
    }

    pub fn with(mut self, key: &str, value: &str) -> Self {
        let _ = write!(self.attributes, " {key}=\"{}\"", escape(value));
        self
    }

    pub fn fill(self, paint: impl Into<Paint>) -> Self {
        self.painted("fill", "f", paint.into())
    }

    pub fn no_fill(self) -> Self {
        self.with("fill", "none")
    }

    pub fn stroke(self, paint: impl Into<Paint>, width: f64) -> Self {
        self.painted("stroke", "s", paint.into())
            .at("stroke-width", width)
    }

    fn painted(mut self, key: &str, class: &str, paint: Paint) -> Self {
        let (value, dark) = paint.value(self.look, self.id);
        if let Some(dark) = dark {
            self.classes.push(format!("{class}-{dark}"));
        }
        self.with(key, &value)
    }

    pub fn opacity(self, opacity: f64) -> Self {
        let text = format!("{opacity:.2}");
        self.with("opacity", &text)
    }

    /// Shown under the pointer, read by some screen readers.
    pub fn tip(mut self, text: &str) -> Self {
        let _ = write!(self.inner, "<title>{}</title>", escape(text));
        self
    }

    pub fn text(mut self, text: &str) -> Self {
        self.inner += &escape(text);
        self
    }

    pub fn put(self) {
        self.out.push('<');
        self.out.push_str(self.name);
        if !self.classes.is_empty() {
            let _ = write!(self.out, " class=\"{}\"", self.classes.join(" "));
        }
        self.out.push_str(&self.attributes);
        match self.inner.is_empty() {
            true => self.out.push_str("/>\n"),
            false => {
                let _ = writeln!(self.out, ">{}</{}>", self.inner, self.name);
            }
        }
    }
}
