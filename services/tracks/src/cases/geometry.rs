//! What a stored image says of itself: enough to hold its reference against it, and no more of it is read.

use std::io::Cursor;

use image::metadata::Orientation;
use image::{ImageDecoder as _, ImageFormat, ImageReader};
use molar_objects::{Bucket, Store};
use molar_volumes::{Geometry, nifti};

use super::rows::{Case, Seen};
use crate::Error;

/// A header, with the previews and profiles that cameras put before it.
const HEAD: u64 = 256 << 10;

/// What is read whole where its head was not enough. A photograph is smaller.
const WHOLE: u64 = 64 << 20;

/// The size of the image of a case, or why there is none.
pub async fn look(store: &Store, bucket: Bucket, case: &Case, format: &str) -> Result<Seen, Error> {
    let size = u64::try_from(case.size_bytes).unwrap_or_default();
    let head = store
        .get_range(bucket, &case.image_key, 0..size.min(HEAD))
        .await?;
    let seen = read(format, &case.image_name, &head);
    if seen.complaint.is_none() || size <= HEAD || size > WHOLE {
        return Ok(seen);
    }
    let whole = store.get_bytes(bucket, &case.image_key, WHOLE).await?;
    Ok(read(format, &case.image_name, &whole))
}

fn read(format: &str, name: &str, bytes: &[u8]) -> Seen {
    let seen = match format {
        "nifti" => volume(bytes),
        _ => picture(name, bytes),
    };
    seen.unwrap_or_else(|complaint| Seen {
        complaint: Some(complaint),
        ..Seen::default()
    })
}

fn volume(bytes: &[u8]) -> Result<Seen, String> {
    let header = nifti::read_header(bytes).map_err(|error| error.to_string())?;
    Ok(Seen {
        shape: Some(shape(header.geometry)),
        spacing_mm: Some(header.spacing.to_vec()),
        affine: Some(header.affine.into_iter().flatten().collect()),
        complaint: None,
    })
}

fn picture(name: &str, bytes: &[u8]) -> Result<Seen, String> {
    let reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format();
    let reader = reader.map_err(|error| error.to_string())?;
    let (format, other) = match reader.format() {
        Some(ImageFormat::Png) => ("PNG", !name.ends_with(".png")),
        Some(ImageFormat::Jpeg) => ("JPEG", name.ends_with(".png")),
        _ => {
            return Err("the file is neither a PNG nor a JPEG: save the image as one".into());
        }
    };
    if other {
        return Err(format!(
            "the file is a {format} under the name {name}: give it the ending of its format"
        ));
    }
    let damaged =
        |error: image::ImageError| format!("the {format} is damaged ({error}): save it again");
    let mut decoder = reader.into_decoder().map_err(damaged)?;
    let (width, height) = decoder.dimensions();
    let is_upright = decoder.orientation().map_err(damaged)? == Orientation::NoTransforms;
    Ok(Seen {
        shape: is_upright.then(|| shape(Geometry::image(height, width))),
        ..Seen::default()
    })
}

fn shape(geometry: Geometry) -> Vec<i32> {
    let extents = match geometry {
        Geometry::Image { height, width } => vec![height, width],
        Geometry::Volume { x, y, z } => vec![x, y, z],
    };
    let extents = extents.into_iter();
    extents
        .map(|extent| i32::try_from(extent).unwrap_or(i32::MAX))
        .collect()
}

#[cfg(test)]
mod tests {
    use image::GrayImage;
    use ndarray::Array3;

    use super::*;

    fn drawn(format: ImageFormat) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        GrayImage::new(7, 3).write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    #[test]
    fn an_image_says_its_height_and_width() {
        let seen = read("labelme", "a.png", &drawn(ImageFormat::Png));
        assert_eq!(seen.shape, Some(vec![3, 7]), "{seen:?}");
        let seen = read("labelme", "a.jpeg", &drawn(ImageFormat::Jpeg));
        assert_eq!(seen.shape, Some(vec![3, 7]), "{seen:?}");
    }

    #[test]
    fn a_volume_says_its_extents_spacing_and_affine() {
        let mut file = Vec::new();
        let volume = Array3::<u16>::zeros((2, 3, 4));
        nifti::write_u16(&mut file, volume.view(), [0.5, 0.25, 2.0]).unwrap();
        let seen = read("nifti", "a.nii.gz", &file);
        assert_eq!(seen.shape, Some(vec![4, 3, 2]));
        assert_eq!(seen.spacing_mm, Some(vec![0.5, 0.25, 2.0]));
        let affine = seen.affine.unwrap();
        assert_eq!((affine[0], affine[5], affine[10]), (0.5, 0.25, 2.0));
    }

    #[test]
    fn what_is_no_such_image_is_told_with_its_mend() {
        let complaint = |format, name: &str, bytes: &[u8]| read(format, name, bytes).complaint;
        let png = drawn(ImageFormat::Png);
        insta::assert_snapshot!(complaint("labelme", "a.png", b"an image").unwrap(),
            @"the file is neither a PNG nor a JPEG: save the image as one");
        insta::assert_snapshot!(complaint("labelme", "a.jpg", &png).unwrap(),
            @"the file is a PNG under the name a.jpg: give it the ending of its format");
        let cut = complaint("labelme", "a.png", &png[..20]).unwrap();
        assert!(cut.starts_with("the PNG is damaged"), "{cut}");
        let other = complaint("nifti", "a.nii.gz", &png).unwrap();
        assert!(other.contains("not a NIfTI file"), "{other}");
    }
}
