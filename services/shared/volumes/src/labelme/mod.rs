//! Polygons as labelme writes them.
//!
//! Reading is lenient where the challenge's own evaluation is, so that a prediction gets the score it
//! always got: what is odd is told in [`LabelmeFile::notes`], and [`complaints_strict`] says what an
//! upload that can still be mended is refused for. Of a document only the size and of a shape only
//! its label, points and type are looked at; other tools of the family write other keys beside them.
//!
//! What the original may read and is refused here, because no tool means it: a key that stands twice,
//! a label that is neither text nor a finite number, half a surrogate pair in one, a coordinate that is
//! text or true, and one beyond 32 bits, which numpy refuses or wraps, depending on its version. A size
//! such as `1200.0` is refused by both.

mod json;
mod notes;
mod parse;
mod rasterise;
mod source;

use crate::geometry::Geometry;
use crate::label::{Cut, Label};

pub use json::Kind;
pub use notes::{Complaint, Note, complaints_strict, notes_outside_set};
pub use parse::{parse, read};
pub use rasterise::notes_without_pixel;

/// How much of a file is looked at before it is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Refuse any other size.
    pub expected: Option<Geometry>,
    /// labelme may embed the image itself, as base64. It is read past, not held.
    pub bytes: u64,
    pub shapes: usize,
    /// Of all shapes together.
    pub points: usize,
    /// Rows and columns that drawing may have to walk: each point costs all of the image's. The
    /// points of a panoramic image stay far below; on a hundred million pixels 53,000 are read.
    pub steps: u64,
    /// Different ones.
    pub labels: usize,
    pub label_bytes: usize,
    /// Of the image that the file declares, where no size is expected.
    pub pixels: u64,
    /// Of that image, in pixels. No JPEG has a longer one.
    pub side: u32,
}

/// A real case has 30 shapes of 150 points on 2.4 million pixels.
impl Default for Limits {
    fn default() -> Self {
        Self {
            expected: None,
            bytes: 32 << 20,
            shapes: 4_096,
            points: 200_000,
            steps: 1 << 30,
            labels: 256,
            label_bytes: 1_000,
            pixels: 100_000_000,
            side: 65_535,
        }
    }
}

impl Limits {
    pub fn expecting(geometry: Geometry) -> Self {
        Self {
            expected: Some(geometry),
            pixels: geometry.elements(),
            ..Self::default()
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelmeFile {
    pub image_height: u32,
    pub image_width: u32,
    pub shapes: Vec<Shape>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape {
    pub label: Label,
    /// "polygon" where the file says nothing. Whatever it is, the points are taken as a polygon.
    pub shape_type: String,
    /// Column and row, truncated toward zero; at least one.
    pub points: Vec<[i32; 2]>,
}

impl LabelmeFile {
    pub fn geometry(&self) -> Geometry {
        Geometry::image(self.image_height, self.image_width)
    }
}

/// Why a file is not a set of polygons. Shapes and points are counted from 0, as in the file's paths.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error(
        "the labels are too rough to measure distances of: remove what is smaller than a tooth, as by keeping \
         the largest piece of each label"
    )]
    Rough,
    #[error("the file is larger than {limit} bytes: leave out imageData")]
    TooManyBytes { limit: u64 },
    #[error("the file starts with a byte order mark: save it as UTF-8 without one")]
    ByteOrderMark,
    #[error("byte {offset} is not UTF-8: save the file as UTF-8")]
    NotUtf8 { offset: usize },
    #[error("not a labelme JSON document: {problem}")]
    NotJson {
        line: usize,
        column: usize,
        problem: String,
    },
    #[error("the document is {found}: write an object with shapes, imageHeight and imageWidth")]
    NotAnObject { found: Kind },
    #[error("the key \"{key}\" is missing: add it beside the others at the top of the document")]
    MissingKey { key: &'static str },
    #[error("the key \"{key}\" stands twice at the top of the document: write it once")]
    KeyTwice { key: &'static str },
    #[error("\"{key}\" is {found}: write the image's size as a whole number above 0")]
    Extent { key: &'static str, found: Kind },
    #[error(
        "\"{key}\" is {}: write the image's size as a whole number above 0, without a fraction",
        Cut(digits)
    )]
    ExtentValue { key: &'static str, digits: String },
    #[error("\"{key}\" is {extent}, at most {limit} is read: give the size of the case's image")]
    TooLong {
        key: &'static str,
        extent: u32,
        limit: u32,
    },
    #[error(
        "the image has {pixels} pixels, at most {limit} are read: give the size of the case's image"
    )]
    TooManyPixels { pixels: u64, limit: u64 },
    #[error("\"{key}\" is {found}: write a list, [] if there is nothing")]
    NotAList { key: &'static str, found: Kind },
    #[error("there are {found} shapes, at most {limit} are read: unite those of one label")]
    TooManyShapes { found: usize, limit: usize },
    #[error("there are more than {limit} points: simplify the polygons")]
    TooManyPoints { limit: usize },
    #[error("there are more than {limit} different labels: use the track's labels")]
    TooManyLabels { limit: usize },
    #[error(
        "/shapes/{shape} is {found}, not a shape: write {{\"label\", \"points\", \"shape_type\"}}"
    )]
    Shape { shape: usize, found: Kind },
    #[error("/shapes/{shape} has no \"{key}\": every shape needs a label and points")]
    MissingShapeKey { shape: usize, key: &'static str },
    #[error("/shapes/{shape}/{key} stands twice: write it once")]
    ShapeKeyTwice { shape: usize, key: &'static str },
    #[error("/shapes/{shape}/label is {found}: write the tooth's number as text, such as \"11\"")]
    Label { shape: usize, found: Kind },
    #[error(
        "/shapes/{shape}/label is not Unicode, it holds one half of a surrogate pair: write the \
         tooth's number as text, such as \"11\""
    )]
    HalfACharacter { shape: usize },
    #[error(
        "/shapes/{shape}/label is longer than {limit} bytes: write the tooth's number as text, such \
         as \"11\""
    )]
    LongLabel { shape: usize, limit: usize },
    #[error("/shapes/{shape}/points is {found}: write a list of [x, y]")]
    Points { shape: usize, found: Kind },
    #[error("/shapes/{shape}/points is empty: leave the shape out, or give it points")]
    NoPoints { shape: usize },
    #[error("/shapes/{shape}/points/{point} is {found}: write [x, y]")]
    Point {
        shape: usize,
        point: usize,
        found: Kind,
    },
    #[error("/shapes/{shape}/points/{point} has {found} coordinates: write two, [x, y]")]
    Coordinates {
        shape: usize,
        point: usize,
        found: usize,
    },
    #[error("/shapes/{shape}/points/{point} holds {found} as a coordinate: write a number")]
    Coordinate {
        shape: usize,
        point: usize,
        found: Kind,
    },
    #[error(
        "/shapes/{shape}/points/{point} is more than 2147483647 pixels away: write coordinates in \
         pixels of the image"
    )]
    FarAway { shape: usize, point: usize },
}

#[cfg(test)]
mod tests;
