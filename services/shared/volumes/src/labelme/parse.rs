//! From bytes to shapes. Every fault is told with its place.

use std::collections::HashSet;
use std::fmt;
use std::io::Read;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::{Fault, LabelmeFile, Limits, Shape};
use crate::error::{Error, Result};
use crate::geometry::Geometry;
use crate::label::Label;

/// Reads a whole file, at most `limits.bytes` of it.
pub fn read(reader: impl Read, limits: &Limits) -> Result<LabelmeFile> {
    let mut bytes = Vec::new();
    reader
        .take(limits.bytes.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(Error::Source)?;
    parse(&bytes, limits)
}

pub fn parse(bytes: &[u8], limits: &Limits) -> Result<LabelmeFile> {
    let text = text(bytes, limits)?;
    let top = top_level(text)?;

    let image_height = extent("imageHeight", top.image_height)?;
    let image_width = extent("imageWidth", top.image_width)?;
    check_size(Geometry::image(image_height, image_width), limits)?;
    let shapes = shapes(
        top.shapes.ok_or(Fault::MissingKey { key: "shapes" })?,
        limits,
    )?;
    Ok(LabelmeFile {
        image_height,
        image_width,
        shapes,
    })
}

fn text<'a>(bytes: &'a [u8], limits: &Limits) -> Result<&'a str, Fault> {
    if bytes.len() as u64 > limits.bytes {
        return Err(Fault::TooManyBytes {
            limit: limits.bytes,
        });
    }
    if bytes.starts_with(b"\xef\xbb\xbf") {
        return Err(Fault::ByteOrderMark);
    }
    std::str::from_utf8(bytes).map_err(|error| Fault::NotUtf8 {
        offset: error.valid_up_to(),
    })
}

fn top_level(text: &str) -> Result<TopLevel<'_>, Fault> {
    let raw: &RawValue = serde_json::from_str(text).map_err(|error| not_json(text, &error))?;
    // serde would take a list for the fields in order.
    match kind_of(raw) {
        Kind::Object => serde_json::from_str(raw.get()).map_err(|error| not_json(text, &error)),
        found => Err(Fault::NotAnObject { found }),
    }
}

fn check_size(geometry: Geometry, limits: &Limits) -> Result<()> {
    if let Some(expected) = limits.expected {
        expected.insist(geometry)?;
    }
    let (pixels, limit) = (geometry.elements(), limits.pixels);
    if pixels > limit {
        return Err(Fault::TooManyPixels { pixels, limit }.into());
    }
    Ok(())
}

/// Values stay text until they are looked at: a wrong one can be named with its place, and what
/// nobody asks for (`imageData`) is skipped.
#[derive(Deserialize)]
struct TopLevel<'a> {
    #[serde(rename = "imageHeight", borrow, default, deserialize_with = "present")]
    image_height: Option<&'a RawValue>,
    #[serde(rename = "imageWidth", borrow, default, deserialize_with = "present")]
    image_width: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    shapes: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct RawShape<'a> {
    #[serde(borrow, default, deserialize_with = "present")]
    label: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    points: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    shape_type: Option<&'a RawValue>,
}

/// Tells a key that is null from one that is not there.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

fn not_json(text: &str, error: &serde_json::Error) -> Fault {
    let (line, column) = (error.line(), error.column());
    let here = text
        .lines()
        .nth(line.saturating_sub(1))
        .unwrap_or_default()
        .as_bytes();
    let near = &here[column.saturating_sub(2).min(here.len())..(column + 10).min(here.len())];
    let names_it = |word: &[u8]| near.windows(word.len()).any(|found| found == word);
    if error.is_syntax() && (names_it(b"NaN") || names_it(b"Infinity")) {
        return Fault::NotFinite { line, column };
    }
    Fault::NotJson {
        line,
        column,
        problem: error.to_string(),
    }
}

fn extent(key: &'static str, value: Option<&RawValue>) -> Result<u32, Fault> {
    let value = value.ok_or(Fault::MissingKey { key })?;
    let extent = value.get().parse().ok().filter(|&extent: &u32| extent > 0);
    extent.ok_or_else(|| Fault::Extent {
        key,
        found: kind_of(value),
    })
}

fn shapes(raw: &RawValue, limits: &Limits) -> Result<Vec<Shape>, Fault> {
    let listed: Capped<&RawValue> = list(raw, limits.shapes).ok_or(Fault::NotAList {
        key: "shapes",
        found: kind_of(raw),
    })?;
    if listed.count > limits.shapes {
        return Err(Fault::TooManyShapes {
            found: listed.count,
            limit: limits.shapes,
        });
    }
    let mut points_left = limits.points;
    let mut labels = HashSet::new();
    let mut shapes = Vec::with_capacity(listed.items.len());
    for (index, raw) in listed.items.into_iter().enumerate() {
        let shape = shape(index, raw, points_left)?;
        points_left = points_left
            .checked_sub(shape.points.len())
            .ok_or(Fault::TooManyPoints {
                limit: limits.points,
            })?;
        labels.insert(shape.label.clone());
        if labels.len() > limits.labels {
            return Err(Fault::TooManyLabels {
                limit: limits.labels,
            });
        }
        shapes.push(shape);
    }
    Ok(shapes)
}

fn shape(shape: usize, raw: &RawValue, points_left: usize) -> Result<Shape, Fault> {
    let not_a_shape = |problem| Fault::Shape { shape, problem };
    let kind = kind_of(raw);
    if kind != Kind::Object {
        return Err(not_a_shape(format!("it is {kind}")));
    }
    let parts: RawShape<'_> =
        serde_json::from_str(raw.get()).map_err(|error| not_a_shape(error.to_string()))?;
    let missing = |key| Fault::MissingShapeKey { shape, key };
    let label = label(shape, parts.label.ok_or(missing("label"))?)?;
    let points = points(shape, parts.points.ok_or(missing("points"))?, points_left)?;
    let shape_type = parts.shape_type.map_or("polygon".to_owned(), |raw| {
        serde_json::from_str(raw.get()).unwrap_or_else(|_| raw.get().to_owned())
    });
    Ok(Shape {
        label,
        shape_type,
        points,
    })
}

fn label(shape: usize, raw: &RawValue) -> Result<Label, Fault> {
    if let Ok(text) = serde_json::from_str::<String>(raw.get()) {
        return Ok(Label::Text(text));
    }
    let found = kind_of(raw);
    let digits = raw.get();
    match (digits.parse::<i128>(), digits.parse::<f64>()) {
        _ if found != Kind::Number => Err(Fault::Label { shape, found }),
        (Ok(integer), _) => Ok(Label::Number(integer.to_string())),
        // Shown without a fraction if there is none: 11.0 and 11 are one label.
        (_, Ok(number)) => Ok(Label::Number(number.to_string())),
        _ => Err(Fault::Label { shape, found }),
    }
}

fn points(shape: usize, raw: &RawValue, limit: usize) -> Result<Vec<[i32; 2]>, Fault> {
    let listed: Capped<&RawValue> = list(raw, limit.saturating_add(1)).ok_or(Fault::Points {
        shape,
        found: kind_of(raw),
    })?;
    if listed.count == 0 {
        return Err(Fault::NoPoints { shape });
    }
    let pairs = listed.items.into_iter().enumerate();
    pairs.map(|(index, raw)| point(shape, index, raw)).collect()
}

fn point(shape: usize, point: usize, raw: &RawValue) -> Result<[i32; 2], Fault> {
    let listed: Capped<&RawValue> = list(raw, 2).ok_or(Fault::Point {
        shape,
        point,
        found: kind_of(raw),
    })?;
    match *listed.items {
        [x, y] if listed.count == 2 => {
            let coordinate = |raw| coordinate(shape, point, raw);
            Ok([coordinate(x)?, coordinate(y)?])
        }
        _ => Err(Fault::Coordinates {
            shape,
            point,
            found: listed.count,
        }),
    }
}

/// Truncated toward zero, as the challenge's own evaluation does. Read from its digits, not through
/// JSON's fast path: a neighbour of 145 that rounds to it would move the polygon by a pixel.
fn coordinate(shape: usize, point: usize, raw: &RawValue) -> Result<i32, Fault> {
    let found = kind_of(raw);
    let value = (found == Kind::Number)
        .then(|| raw.get().parse::<f64>().ok())
        .flatten();
    let value = value
        .ok_or(Fault::Coordinate {
            shape,
            point,
            found,
        })?
        .trunc();
    if value < f64::from(i32::MIN) || value > f64::from(i32::MAX) {
        return Err(Fault::FarAway { shape, point });
    }
    Ok(value as i32)
}

/// What kind of JSON value stands where another was expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Null,
    Boolean,
    Number,
    Text,
    List,
    Object,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Null => "null",
            Self::Boolean => "true or false",
            Self::Number => "a number",
            Self::Text => "text",
            Self::List => "a list",
            Self::Object => "an object",
        })
    }
}

fn kind_of(raw: &RawValue) -> Kind {
    match raw.get().as_bytes().first() {
        Some(b'n') => Kind::Null,
        Some(b't' | b'f') => Kind::Boolean,
        Some(b'"') => Kind::Text,
        Some(b'[') => Kind::List,
        Some(b'{') => Kind::Object,
        _ => Kind::Number,
    }
}

/// The first items of a list, and how many there are in all.
struct Capped<T> {
    items: Vec<T>,
    count: usize,
}

/// `None` if it is not a list. Holds no more than `limit` items, however long it is.
fn list<'de, T: Deserialize<'de>>(raw: &'de RawValue, limit: usize) -> Option<Capped<T>> {
    let mut deserializer = serde_json::Deserializer::from_str(raw.get());
    ListOf {
        limit,
        item: PhantomData,
    }
    .deserialize(&mut deserializer)
    .ok()
}

struct ListOf<T> {
    limit: usize,
    item: PhantomData<T>,
}

impl<'de, T: Deserialize<'de>> DeserializeSeed<'de> for ListOf<T> {
    type Value = Capped<T>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for ListOf<T> {
    type Value = Capped<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while items.len() < self.limit {
            match list.next_element()? {
                Some(item) => items.push(item),
                None => {
                    return Ok(Capped {
                        count: items.len(),
                        items,
                    });
                }
            }
        }
        let mut count = items.len();
        while list.next_element::<IgnoredAny>()?.is_some() {
            count += 1;
        }
        Ok(Capped { items, count })
    }
}
