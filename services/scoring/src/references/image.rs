//! A reference beside the image of its case.

use molar_volumes::{Geometry, nifti};

use super::rows::{Facts, Unread};
use crate::fetch::Fetched;

/// Of a hundredth of a voxel nobody can tell which tool wrote it.
const TOLERANCE: f64 = 0.01;

/// What the image says of itself, as far as it does.
pub struct Image {
    shape: Option<Vec<i32>>,
    spacing_mm: Option<Vec<f64>>,
    affine: Option<Vec<f64>>,
}

impl Image {
    pub fn of(unread: &Unread) -> Self {
        Self {
            shape: unread.image_shape.clone(),
            spacing_mm: unread.image_spacing_mm.clone(),
            affine: unread.image_affine.clone(),
        }
    }

    /// Another size is refused. Where a volume lies is told only, since the protocol ignores it; unless
    /// its spacing is measured by.
    pub fn compare(&self, facts: &mut Facts, file: &Fetched, needs_spacing: bool) {
        if let Some(shape) = self.shape.as_ref().filter(|shape| **shape != facts.shape) {
            facts.complaint = Some(format!(
                "the reference is {}, its image {}: label the image that is stored, or replace the image",
                told(&facts.shape),
                told(shape)
            ));
            return;
        }
        let (Some(own), Some(spacing)) = (&facts.spacing_mm, &self.spacing_mm) else {
            return;
        };
        if own.len() == 3 && !is_close(own, spacing, spacing) {
            let why = format!(
                "the header of the reference says voxels of {own:?} mm, that of its image {spacing:?}: save the reference with the header of the image"
            );
            match needs_spacing {
                true => facts.complaint = Some(why),
                false => facts.warning = Some(why),
            }
            return;
        }
        facts.warning = self.misplaced(file, spacing);
    }

    fn misplaced(&self, file: &Fetched, spacing: &[f64]) -> Option<String> {
        let image = self.affine.as_ref()?;
        let own = nifti::read_header(file.reader()).ok()?.affine;
        let rows = own.iter().zip(image.chunks(4)).zip(["x", "y", "z"]);
        let (row, image, axis) =
            rows.map(|((row, image), axis)| (row, image, axis))
                .find(|(row, image, _)| {
                    let smallest = spacing.iter().copied().fold(f64::INFINITY, f64::min);
                    !is_close(&row[..], image, &[smallest; 4])
                })?;
        let numbers = |row: &[f64]| {
            let numbers: Vec<_> = row.iter().map(|n| rounded(*n)).collect();
            numbers.join(", ")
        };
        Some(format!(
            "the header puts the reference elsewhere than its image (row {axis} of the affine: {} against {}): it may be mirrored",
            numbers(row),
            numbers(image)
        ))
    }
}

fn is_close(one: &[f64], other: &[f64], unit: &[f64]) -> bool {
    let mut pairs = one.iter().zip(other).zip(unit);
    one.len() == other.len()
        && pairs.all(|((one, other), unit)| (one - other).abs() <= TOLERANCE * unit)
}

/// Four digits after the point, and none that say nothing.
fn rounded(number: f64) -> String {
    let text = format!("{number:.4}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" {
        "0".into()
    } else {
        text.to_owned()
    }
}

fn told(shape: &[i32]) -> String {
    let extents: Vec<u32> = shape.iter().map(|n| n.unsigned_abs()).collect();
    match extents[..] {
        [height, width] => Geometry::image(height, width).to_string(),
        [x, y, z] => Geometry::volume([x, y, z]).to_string(),
        _ => format!("{shape:?}"),
    }
}
