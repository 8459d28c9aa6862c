//! From a case's files to its picture.

use std::fs::File;
use std::io::{BufReader, Read};

use anyhow::Context as _;
use molar_pictures::{Picture, Survey, plane_of};
use molar_volumes::{Format, labelme, nifti};

use crate::score::cases::Case;

pub fn picture(case: &Case) -> anyhow::Result<Picture> {
    let told = || case.reference.display().to_string();
    let reference = BufReader::new(File::open(&case.reference).with_context(told)?);
    let prediction = case
        .prediction
        .as_ref()
        .context("there is no prediction of this case")?;
    prediction.with_bytes(|prediction| match case.format {
        Format::Labelme => polygons(&case.name, reference, prediction),
        Format::Nifti => volume(&case.name, reference, prediction),
    })?
}

fn polygons(case: &str, reference: impl Read, prediction: impl Read) -> anyhow::Result<Picture> {
    let reference = labelme::read(reference, &labelme::Limits::default())?;
    let limits = labelme::Limits::expecting(reference.geometry());
    let prediction = labelme::read(prediction, &limits)?;
    let (plane, labels) = plane_of(Some(&reference), Some(&prediction))
        .context("the polygons are too rough to be drawn")?;
    let size = [reference.image_width, reference.image_height];
    Ok(Picture::of_image(case, size, plane, labels))
}

/// The reference is held as runs, and one plane of the prediction at a time.
fn volume(case: &str, reference: impl Read, prediction: impl Read) -> anyhow::Result<Picture> {
    let reference = nifti::read_labels(reference, &nifti::Limits::default())?;
    let limits = nifti::Limits::expecting(reference.geometry());
    let mut prediction = nifti::Planes::open(prediction, &limits)?;
    let [depth, height, width] = reference.geometry().grid();
    let mut survey = Survey::new([width, height, depth]);
    let mut runs = Vec::new();
    for z in 0.. {
        if !prediction.read(&mut runs)? {
            break;
        }
        survey.push(reference.plane(z), &runs);
    }
    Ok(survey.finish(case, reference.spacing()))
}
