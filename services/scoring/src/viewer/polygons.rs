//! Polygons over an image.

use std::io::BufReader;

use image::error::{LimitError, LimitErrorKind};
use image::imageops::{FilterType, resize};
use image::metadata::Orientation;
use image::{DynamicImage, GrayImage, ImageDecoder as _, ImageError, ImageReader};
use molar_pictures::plane_of;
use molar_volumes::Geometry;
use molar_volumes::labelme::{self, LabelmeFile};

use super::scene::{Part, Scene, Trouble, View};
use super::sources::{Sources, blamed, keep};
use crate::error::{Error, Result};
use crate::fetch::{self, Fetched};

/// What decoding an image may take.
const DECODING_BYTES: u64 = 256 << 20;

/// A file of theirs, or a damaged one, is a trouble and no error.
pub fn read(sources: &Sources) -> Result<Scene> {
    let mut troubles = Vec::new();
    let image = match &sources.image {
        Some(file) => keep(decode(file)?, Part::Image, &mut troubles),
        None => None,
    };
    let of_image = image
        .as_ref()
        .map(|(image, _)| Geometry::image(image.height(), image.width()));
    let mut limits = labelme::Limits {
        expected: sources.geometry.or(of_image),
        ..labelme::Limits::default()
    };
    let reference = match &sources.reference {
        Some(file) => {
            let read = blamed(labelme::read(file.reader(), &limits))?;
            keep(read, Part::Reference, &mut troubles)
        }
        None => None,
    };
    limits.expected = limits
        .expected
        .or(reference.as_ref().map(LabelmeFile::geometry));
    let prediction = match &sources.prediction {
        Some(prediction) => {
            let read = prediction.with_bytes(|bytes| labelme::read(bytes, &limits))?;
            keep(read, Part::Prediction, &mut troubles)
        }
        None => None,
    };
    let geometry = limits
        .expected
        .or(prediction.as_ref().map(LabelmeFile::geometry));
    let Some(Geometry::Image { height, width }) = geometry else {
        return Ok(Scene::nothing(troubles));
    };
    let (plane, names) = match plane_of(reference.as_ref(), prediction.as_ref()) {
        Some(drawn) => drawn,
        None => {
            let why = "its polygons are too rough to be drawn".to_owned();
            let part = Part::Prediction;
            troubles.push(Trouble { part, why });
            plane_of(reference.as_ref(), None).unwrap_or_default()
        }
    };
    let mut view = View {
        size: [width, height],
        spacing: [1.0; 2],
        grey: None,
        plane,
        is_mirrored: false,
        is_upside_down: false,
    };
    if let Some((image, turn)) = image {
        let image = upright(image, turn, view.size);
        view.grey = keep(image, Part::Image, &mut troubles).map(|image| reduced(&view, image));
    }
    Ok(Scene::of_image(view, names, troubles))
}

/// What is larger than the picture need not be held.
fn reduced(view: &View, grey: GrayImage) -> GrayImage {
    let [width, height] = view.drawn();
    match width < grey.width() {
        true => resize(&grey, width, height, FilterType::Triangle),
        false => grey,
    }
}

fn decode(file: &Fetched) -> Result<Result<(GrayImage, Orientation), String>> {
    let mut reader = ImageReader::new(BufReader::new(file.reader())).with_guessed_format()?;
    let mut limits = image::Limits::default();
    limits.max_alloc = Some(DECODING_BYTES);
    reader.limits(limits);
    let decoded = reader.into_decoder().and_then(|mut decoder| {
        let turn = decoder.orientation()?;
        if decoder.total_bytes() > DECODING_BYTES {
            let kind = LimitErrorKind::InsufficientMemory;
            return Err(ImageError::Limits(LimitError::from_kind(kind)));
        }
        Ok((DynamicImage::from_decoder(decoder)?.into_luma8(), turn))
    });
    match decoded {
        Err(ImageError::IoError(error)) if fetch::is_ours(&error) => Err(Error::File(error)),
        Err(error) => Ok(Err(error.to_string())),
        Ok(decoded) => Ok(Ok(decoded)),
    }
}

/// At the size of the case. A photograph that asks to be turned may have been labelled either way.
fn upright(
    image: GrayImage,
    turn: Orientation,
    [width, height]: [u32; 2],
) -> Result<GrayImage, String> {
    if image.dimensions() == (width, height) {
        return Ok(image);
    }
    let mut turned = DynamicImage::ImageLuma8(image);
    turned.apply_orientation(turn);
    let turned = turned.into_luma8();
    if turned.dimensions() == (width, height) {
        return Ok(turned);
    }
    Err(format!(
        "it is {} × {} pixels, the case is {width} × {height}",
        turned.width(),
        turned.height()
    ))
}
