//! Panoramic X-rays with a labelme reference.

mod background;
mod layout;
mod render;
mod tooth;

use std::io::Cursor;

use image::codecs::{jpeg::JpegEncoder, png::PngEncoder};
use image::{ExtendedColorType, ImageEncoder};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

use crate::Error;
use tooth::Tooth;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImageFormat {
    Jpeg,
    Png,
    /// Mostly JPEG, every third or so PNG, by the seed.
    Either,
}

#[derive(Debug, Clone)]
pub struct OpgOptions {
    pub width: u32,
    pub height: u32,
    pub format: ImageFormat,
    /// How likely a case shows a child's mixed dentition.
    pub mixed: f64,
    /// How likely a tooth is missing (wisdom teeth: three times as likely).
    pub missing: f64,
    /// How likely a tooth carries a filling or a crown of metal.
    pub metal: f64,
    /// Deviation of the noise in grey levels of 255.
    pub noise: f32,
}

impl Default for OpgOptions {
    fn default() -> Self {
        Self {
            width: 2000,
            height: 1200,
            format: ImageFormat::Either,
            mixed: 0.25,
            missing: 0.06,
            metal: 0.12,
            noise: 7.0,
        }
    }
}

#[derive(Debug, Clone)]
pub struct OpgCase {
    pub image_bytes: Vec<u8>,
    /// `jpg` or `png`.
    pub extension: &'static str,
    /// The reference. Its `imagePath` is `image.<extension>` until [`OpgCase::named`] says better.
    pub labelme_json: String,
    /// FDI numbers of the teeth drawn, ascending.
    pub labels: Vec<u8>,
}

impl OpgCase {
    /// The same case with its picture's file name in the reference.
    pub fn named(mut self, case: &str) -> Result<Self, Error> {
        let mut reference: Value = serde_json::from_str(&self.labelme_json)?;
        reference["imagePath"] = json!(format!("{case}.{}", self.extension));
        self.labelme_json = serde_json::to_string(&reference)?;
        Ok(self)
    }
}

/// Draws one panoramic X-ray.
pub fn opg(seed: u64, options: &OpgOptions) -> Result<OpgCase, Error> {
    if options.width < 64 || options.height < 64 || options.width.max(options.height) > 16_384 {
        return Err(Error::Options(
            "a side shorter than 64 or longer than 16384 pixels",
        ));
    }
    crate::check_likelihoods(&[options.mixed, options.missing, options.metal])?;
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let png = match options.format {
        ImageFormat::Jpeg => false,
        ImageFormat::Png => true,
        ImageFormat::Either => rng.random_bool(0.3),
    };
    let scene = layout::scene(&mut rng, options);
    let grey = render::render(&scene, rng.random(), options);

    let extension = if png { "png" } else { "jpg" };
    let mut labels: Vec<u8> = scene.teeth.iter().map(|tooth| tooth.fdi).collect();
    labels.sort_unstable();
    Ok(OpgCase {
        image_bytes: encode(&grey, options, png)?,
        extension,
        labelme_json: serde_json::to_string(&labelme(&scene.teeth, options, extension))?,
        labels,
    })
}

fn encode(grey: &[u8], options: &OpgOptions, png: bool) -> Result<Vec<u8>, Error> {
    let mut bytes = Cursor::new(Vec::new());
    let (width, height) = (options.width, options.height);
    if png {
        PngEncoder::new(&mut bytes).write_image(grey, width, height, ExtendedColorType::L8)?;
    } else {
        JpegEncoder::new_with_quality(&mut bytes, 90).write_image(
            grey,
            width,
            height,
            ExtendedColorType::L8,
        )?;
    }
    Ok(bytes.into_inner())
}

fn labelme(teeth: &[Tooth], options: &OpgOptions, extension: &str) -> Value {
    let mut teeth: Vec<&Tooth> = teeth.iter().collect();
    teeth.sort_by_key(|tooth| tooth.fdi);
    let shapes: Vec<Value> = teeth.iter().map(|tooth| shape(tooth, options)).collect();
    json!({
        "version": "5.1.1",
        "flags": {},
        "shapes": shapes,
        "imagePath": format!("image.{extension}"),
        "imageData": null,
        "imageHeight": options.height,
        "imageWidth": options.width,
    })
}

fn shape(tooth: &Tooth, options: &OpgOptions) -> Value {
    let (sx, sy) = render::scale(options);
    // A ten-thousandth of a pixel, as the challenge's own files have it.
    let round = |value: f64, limit: u32| {
        (value.clamp(0.0, f64::from(limit) - 1.0) * 10_000.0).round() / 10_000.0
    };
    let points: Vec<[f64; 2]> = tooth
        .outline()
        .into_iter()
        .map(|[x, y]| [round(x * sx, options.width), round(y * sy, options.height)])
        .collect();
    json!({
        "label": tooth.fdi.to_string(),
        "points": points,
        "group_id": null,
        "shape_type": "polygon",
        "flags": {},
    })
}
