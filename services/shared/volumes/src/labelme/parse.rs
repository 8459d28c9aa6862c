//! From bytes to shapes. Every fault is told with its place.

use std::collections::HashSet;
use std::io::{self, Read};

use serde::de::DeserializeSeed;
use serde_json::value::RawValue;

use super::json::{Capped, Kind, Pick, Picked, list, number};
use super::source::Source;
use super::{Fault, LabelmeFile, Limits, Shape};
use crate::error::{Error, Result};
use crate::geometry::Geometry;
use crate::label::{Label, SHOWN};

/// Reads a whole document, at most `limits.bytes` of it. What is not asked for, such as an embedded
/// image, is read past and not held.
pub fn read(reader: impl Read, limits: &Limits) -> Result<LabelmeFile> {
    let [height, width, shapes] = top_level(&mut Source::new(reader, limits.bytes))?;
    let image_height = extent("imageHeight", height.as_deref())?;
    let image_width = extent("imageWidth", width.as_deref())?;
    check_size(image_height, image_width, limits)?;

    let shapes = shapes.ok_or(Fault::MissingKey { key: "shapes" })?;
    let steps_of_a_point = u64::from(image_height) + u64::from(image_width);
    let limits = Limits {
        points: limits
            .points
            .min((limits.steps / steps_of_a_point) as usize),
        ..limits.clone()
    };
    Ok(LabelmeFile {
        image_height,
        image_width,
        shapes: self::shapes(&shapes, &limits)?,
    })
}

pub fn parse(bytes: &[u8], limits: &Limits) -> Result<LabelmeFile> {
    read(bytes, limits)
}

fn top_level(source: &mut Source<impl Read>) -> Result<[Option<Box<RawValue>>; 3]> {
    let mut deserializer = serde_json::Deserializer::from_reader(&mut *source);
    let picked = Pick::new(["imageHeight", "imageWidth", "shapes"])
        .deserialize(&mut deserializer)
        .and_then(|picked| deserializer.end().map(|()| picked));
    match picked {
        Ok(Picked { values, twice }) => match twice {
            Some(key) => Err(Fault::KeyTwice { key }.into()),
            None => Ok(values),
        },
        Err(error) if error.is_io() => Err(unreadable(error.into())),
        Err(error) => match source.first().map(Kind::starting_with) {
            Some(found) if error.is_data() => Err(Fault::NotAnObject { found }.into()),
            _ => Err(not_json(&error).into()),
        },
    }
}

/// The source's refusal, or the trouble of whoever feeds it.
fn unreadable(error: io::Error) -> Error {
    match error.downcast::<Fault>() {
        Ok(fault) => fault.into(),
        Err(error) => Error::Source(error),
    }
}

fn not_json(error: &serde_json::Error) -> Fault {
    Fault::NotJson {
        line: error.line(),
        column: error.column(),
        problem: error.to_string(),
    }
}

fn extent(key: &'static str, value: Option<&RawValue>) -> Result<u32, Fault> {
    let value = value.ok_or(Fault::MissingKey { key })?;
    match (value.get().parse(), Kind::of(value)) {
        (Ok(extent @ 1..), _) => Ok(extent),
        (_, Kind::Number) => Err(Fault::ExtentValue {
            key,
            digits: value.get().chars().take(SHOWN + 1).collect(),
        }),
        (_, found) => Err(Fault::Extent { key, found }),
    }
}

fn check_size(height: u32, width: u32, limits: &Limits) -> Result<()> {
    let geometry = Geometry::image(height, width);
    if let Some(expected) = limits.expected {
        expected.insist(geometry)?;
    }
    for (key, extent) in [("imageHeight", height), ("imageWidth", width)] {
        let limit = limits.side;
        if extent > limit {
            return Err(Fault::TooLong { key, extent, limit }.into());
        }
    }
    let (pixels, limit) = (geometry.elements(), limits.pixels);
    if pixels > limit {
        return Err(Fault::TooManyPixels { pixels, limit }.into());
    }
    Ok(())
}

fn shapes(raw: &RawValue, limits: &Limits) -> Result<Vec<Shape>, Fault> {
    let listed: Capped<&RawValue> = list(raw, limits.shapes).ok_or(Fault::NotAList {
        key: "shapes",
        found: Kind::of(raw),
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
        let shape = shape(index, raw, points_left, limits)?;
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

fn shape(
    shape: usize,
    raw: &RawValue,
    points_left: usize,
    limits: &Limits,
) -> Result<Shape, Fault> {
    let picked = Pick::new(["label", "points", "shape_type"])
        .deserialize(&mut serde_json::Deserializer::from_str(raw.get()));
    let Ok(Picked { values, twice }) = picked else {
        let found = Kind::of(raw);
        return Err(Fault::Shape { shape, found });
    };
    if let Some(key) = twice {
        return Err(Fault::ShapeKeyTwice { shape, key });
    }
    let [label, points, shape_type] = values;
    let missing = |key| Fault::MissingShapeKey { shape, key };
    let label = self::label(shape, label.ok_or(missing("label"))?, limits)?;
    let points = self::points(shape, points.ok_or(missing("points"))?, points_left)?;
    Ok(Shape {
        label,
        shape_type: self::shape_type(shape_type),
        points,
    })
}

/// As much of it as is ever shown.
fn shape_type(raw: Option<&RawValue>) -> String {
    let text = match raw.map(RawValue::get) {
        None | Some("null") => return "polygon".to_owned(),
        Some(text) => text,
    };
    let decoded = serde_json::from_str(text).unwrap_or_else(|_| text.to_owned());
    decoded.chars().take(SHOWN + 1).collect()
}

fn label(shape: usize, raw: &RawValue, limits: &Limits) -> Result<Label, Fault> {
    let limit = limits.label_bytes;
    let label = match Kind::of(raw) {
        Kind::Text => serde_json::from_str(raw.get())
            .map(Label::Text)
            .map_err(|_| Fault::HalfACharacter { shape })?,
        Kind::Number => number_label(raw.get()),
        found => return Err(Fault::Label { shape, found }),
    };
    match &label {
        Label::Text(text) | Label::Number(text) if text.len() > limit => {
            Err(Fault::LongLabel { shape, limit })
        }
        _ => Ok(label),
    }
}

/// All spellings of a number are one label, 11 and 11.0 as much as 1e40 and its forty-one digits.
fn number_label(digits: &str) -> Label {
    let is_whole = |number: &f64| number.fract() == 0.0;
    Label::Number(match digits.parse::<f64>() {
        _ if digits == "-0" => "0".to_owned(),
        Ok(number) if digits.contains(['.', 'e', 'E']) => {
            if is_whole(&number) {
                // Every digit, and no sign before a zero.
                format!("{:.0}", number + 0.0)
            } else {
                number.to_string()
            }
        }
        _ => digits.to_owned(),
    })
}

fn points(shape: usize, raw: &RawValue, limit: usize) -> Result<Vec<[i32; 2]>, Fault> {
    let listed: Capped<&RawValue> = list(raw, limit.saturating_add(1)).ok_or(Fault::Points {
        shape,
        found: Kind::of(raw),
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
        found: Kind::of(raw),
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

/// Truncated toward zero, as the challenge's own evaluation does.
fn coordinate(shape: usize, point: usize, raw: &RawValue) -> Result<i32, Fault> {
    let value = number(raw)
        .map_err(|found| Fault::Coordinate {
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
