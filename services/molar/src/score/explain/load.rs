//! From a case's files to its picture.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufReader, Read};

use anyhow::Context as _;
use molar_metrics::LabelRun;
use molar_volumes::labelme::{self, LabelmeFile};
use molar_volumes::{Canvas, Format, Label, fill_polygon, nifti};

use super::picture::{Picture, Plane, Survey};
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
    let shapes = reference.shapes.iter().chain(&prediction.shapes);
    let labels: BTreeSet<_> = shapes.map(|shape| shape.label.clone()).collect();
    let labels: Vec<_> = labels.into_iter().collect();
    let plane = Plane {
        reference: runs(&reference, &labels),
        prediction: runs(&prediction, &labels),
    };
    let size = [reference.image_width, reference.image_height];
    Ok(Picture::of_image(case, size, plane, labels))
}

/// Of each label, under its place in `labels`: the shapes of one label are united, those of different
/// labels may overlap.
fn runs(file: &LabelmeFile, labels: &[Label]) -> Vec<LabelRun> {
    let mut canvas = Canvas::new(file.image_height, file.image_width);
    let mut runs = Vec::new();
    for (label, name) in labels.iter().enumerate() {
        for shape in file.shapes.iter().filter(|shape| shape.label == *name) {
            fill_polygon(&mut canvas, &shape.points);
        }
        // Unwrap safety (of the casts): within the image, and there are few labels.
        for y in canvas.touched_rows() {
            runs.extend(canvas.runs_of(y).map(|x| LabelRun {
                y: y as u32,
                start: x.start as u32,
                end: x.end as u32,
                label: label as i32,
            }));
        }
        canvas.wipe();
    }
    runs.sort_by_key(|run| (run.y, run.start));
    runs
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
