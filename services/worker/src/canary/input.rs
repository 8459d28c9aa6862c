//! How large the image of a public case is.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use image::metadata::Orientation;
use image::{ImageDecoder as _, ImageReader};
use molar_domain::challenge::Format;
use molar_volumes::{Geometry, nifti};

/// None where it cannot be told. A photograph that asks to be turned is read as it lies by some and turned by
/// others: its prediction may have either size.
pub fn geometry(format: Format, image: &Path) -> Option<Geometry> {
    match format {
        Format::Nifti => {
            let header = nifti::read_header(BufReader::new(File::open(image).ok()?));
            Some(header.ok()?.geometry)
        }
        Format::Labelme => {
            let reader = ImageReader::open(image).ok()?.with_guessed_format().ok()?;
            let mut decoder = reader.into_decoder().ok()?;
            let (width, height) = decoder.dimensions();
            let is_upright = decoder.orientation().ok()? == Orientation::NoTransforms;
            is_upright.then(|| Geometry::image(height, width))
        }
    }
}

#[cfg(test)]
mod tests {
    use image::{GrayImage, ImageFormat};
    use ndarray::Array3;

    use super::*;

    /// The marker of an Exif segment that turns the picture by 90°.
    const TURNED: &[u8] =
        b"\xff\xe1\x00\x22Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";

    #[test]
    fn the_size_is_read_from_the_image_itself() {
        let folder = tempfile::tempdir().unwrap();
        for (name, format) in [("a.png", ImageFormat::Png), ("a.jpg", ImageFormat::Jpeg)] {
            let path = folder.path().join(name);
            GrayImage::new(7, 3)
                .save_with_format(&path, format)
                .unwrap();
            let found = geometry(Format::Labelme, &path);
            assert_eq!(found, Some(Geometry::image(3, 7)), "{name}");
        }
        let path = folder.path().join("a.nii.gz");
        let volume = Array3::<i16>::zeros((2, 3, 4));
        nifti::write_labels(File::create(&path).unwrap(), volume.view(), [0.3; 3]).unwrap();
        let found = geometry(Format::Nifti, &path);
        assert_eq!(found, Some(Geometry::volume([4, 3, 2])));
    }

    #[test]
    fn of_a_photograph_that_is_to_be_turned_no_size_is_said() {
        let mut jpeg = std::io::Cursor::new(Vec::new());
        GrayImage::new(7, 3)
            .write_to(&mut jpeg, ImageFormat::Jpeg)
            .unwrap();
        let jpeg = jpeg.into_inner();
        let turned = [&jpeg[..2], TURNED, &jpeg[2..]].concat();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.jpg");
        std::fs::write(&path, turned).unwrap();
        assert_eq!(geometry(Format::Labelme, &path), None);
    }
}
