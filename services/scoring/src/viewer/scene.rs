//! What a picture is drawn from: an image, or three slices of a volume, with the labels in them.

use image::codecs::png::PngEncoder;
use image::{DynamicImage, GrayImage, RgbImage};
use molar_pictures::{Overlay, Plane, Show};
use molar_volumes::Label;

use crate::error::{Error, Result};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    Image,
    Reference,
    Prediction,
}

/// Why a part is not in the picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    pub part: Part,
    pub why: String,
}

#[derive(Debug, Default)]
pub struct Scene {
    /// One of an image; of a volume the axial, the coronal and the sagittal one.
    pub views: Vec<View>,
    /// Of polygons: what the runs name by its place. A volume's runs hold the labels themselves.
    names: Option<Vec<Label>>,
    pub troubles: Vec<Trouble>,
}

#[derive(Debug)]
pub struct View {
    /// Columns and rows.
    pub size: [u32; 2],
    pub spacing: [f64; 2],
    pub grey: Option<GrayImage>,
    pub plane: Plane,
    pub is_mirrored: bool,
    pub is_upside_down: bool,
}

impl View {
    fn overlay<'a>(&'a self, name: &'a dyn Fn(i32) -> Label) -> Overlay<'a> {
        Overlay {
            grey: self.grey.as_ref(),
            plane: &self.plane,
            size: self.size,
            spacing: self.spacing,
            is_mirrored: self.is_mirrored,
            is_upside_down: self.is_upside_down,
            name,
        }
    }

    /// Width and height of its pictures.
    pub fn drawn(&self) -> [u32; 2] {
        self.overlay(&Label::Value).drawn()
    }
}

impl Scene {
    /// Where no file tells how large the case is.
    pub fn nothing(troubles: Vec<Trouble>) -> Self {
        Self {
            troubles,
            ..Self::default()
        }
    }

    pub fn of_volume(views: [View; 3], troubles: Vec<Trouble>) -> Self {
        Self {
            views: views.into(),
            names: None,
            troubles,
        }
    }

    pub fn of_image(view: View, names: Vec<Label>, troubles: Vec<Trouble>) -> Self {
        Self {
            views: vec![view],
            names: Some(names),
            troubles,
        }
    }

    /// As a PNG; none where there is no such view.
    pub fn png(&self, view: usize, show: Show) -> Result<Option<Vec<u8>>> {
        let Some(picture) = self.draw(view, show) else {
            return Ok(None);
        };
        let mut png = Vec::new();
        let encoder = PngEncoder::new(&mut png);
        let written = match show {
            Show::Image => DynamicImage::from(picture)
                .into_luma8()
                .write_with_encoder(encoder),
            Show::Reference | Show::Prediction | Show::Errors => {
                picture.write_with_encoder(encoder)
            }
        };
        written.map_err(|error| Error::File(std::io::Error::other(error)))?;
        Ok(Some(png))
    }

    fn draw(&self, view: usize, show: Show) -> Option<RgbImage> {
        let name = |label: i32| match &self.names {
            None => Label::Value(label),
            // Unwrap safety (of the index): the runs hold places of this list.
            Some(names) => names[label as usize].clone(),
        };
        Some(self.views.get(view)?.overlay(&name).draw(show))
    }

    /// About how much memory it takes.
    pub fn size_bytes(&self) -> usize {
        let of = |view: &View| {
            let grey = view.grey.as_ref().map_or(0, |grey| grey.as_raw().len());
            let Plane {
                reference,
                prediction,
            } = &view.plane;
            grey + size_of_val(&**reference) + size_of_val(&**prediction)
        };
        self.views.iter().map(of).sum()
    }
}
