//! One case, whatever its format: a reference that is fit to score by, and predictions against it.

use std::io::Read;

use molar_metrics::{
    CaseScores, LabelRun, Measured, Segmentation, Spacing, StreamScorer, protocol_scores,
};

use crate::error::Result;
use crate::format::Format;
use crate::geometry::Geometry;
use crate::label::Label;
use crate::labelme::{self, Complaint, Note, complaints_strict, notes_outside_set};
use crate::nifti;
use crate::plan::{Plan, spacing_of};
use crate::scored::Scored;
use crate::unfit::Unfit;

/// A reference that every prediction of the right size can be scored against.
#[derive(Debug)]
pub struct Reference {
    geometry: Geometry,
    labels: Labels,
}

#[derive(Debug)]
enum Labels {
    Polygons(Segmentation<Label>),
    Volume(nifti::LabelVolume),
}

/// A prediction that could be read and has the right size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// Reasons to refuse it where it can still be mended.
    pub complaints: Vec<Complaint>,
    pub notes: Vec<Note>,
}

/// Reads a prediction as [`Reference::score`] would, without a reference.
pub fn check_prediction(
    format: Format,
    mut reader: impl Read,
    geometry: Geometry,
    is_in_set: impl Fn(i32) -> bool,
) -> Result<Checked> {
    check(format, &mut reader, geometry, &is_in_set)
}

fn check(
    format: Format,
    reader: &mut dyn Read,
    geometry: Geometry,
    is_in_set: &dyn Fn(i32) -> bool,
) -> Result<Checked> {
    match format {
        Format::Labelme => {
            let file = labelme::read(reader, &labelme::Limits::expecting(geometry))?;
            let labels = file.rasterise();
            Ok(Checked {
                complaints: complaints_strict(&file),
                notes: polygon_notes(&file, &labels, is_in_set),
            })
        }
        Format::Nifti => {
            let labels = nifti::read_label_set(reader, &nifti::Limits::expecting(geometry))?;
            let labels = labels.into_iter().map(Label::Value);
            Ok(Checked {
                complaints: Vec::new(),
                notes: notes_outside_set(labels, is_in_set),
            })
        }
    }
}

impl Reference {
    /// Refuses what the challenge's own evaluation would divide by zero on. `expected` is the size of
    /// the case's image, where that is known.
    pub fn read(format: Format, mut reader: impl Read, expected: Option<Geometry>) -> Result<Self> {
        match format {
            Format::Labelme => Self::read_polygons(&mut reader, expected),
            Format::Nifti => Self::read_volume(&mut reader, expected),
        }
    }

    fn read_polygons(reader: &mut dyn Read, expected: Option<Geometry>) -> Result<Self> {
        let limits = expected.map_or_else(labelme::Limits::default, labelme::Limits::expecting);
        let file = labelme::read(reader, &limits)?;
        if let Some(complaint) = complaints_strict(&file).into_iter().next() {
            return Err(Unfit::Complaint(complaint).into());
        }
        let labels = file.rasterise();
        if let Some(label) = labels
            .labels()
            .find(|label| labels.voxels(label) == Some(0))
        {
            return Err(Unfit::WithoutPixel {
                label: label.clone(),
            }
            .into());
        }
        Self::of(file.geometry(), Labels::Polygons(labels))
    }

    fn read_volume(reader: &mut dyn Read, expected: Option<Geometry>) -> Result<Self> {
        let limits = expected.map_or_else(nifti::Limits::default, nifti::Limits::expecting);
        let volume = nifti::read_labels(reader, &limits)?;
        Self::of(volume.geometry(), Labels::Volume(volume))
    }

    fn of(geometry: Geometry, labels: Labels) -> Result<Self> {
        let reference = Self { geometry, labels };
        if reference.labels().is_empty() {
            Err(Unfit::NoLabel.into())
        } else {
            Ok(reference)
        }
    }

    pub fn geometry(&self) -> Geometry {
        self.geometry
    }

    pub fn format(&self) -> Format {
        match self.labels {
            Labels::Polygons(_) => Format::Labelme,
            Labels::Volume(_) => Format::Nifti,
        }
    }

    /// In order; at least one.
    pub fn labels(&self) -> Vec<Label> {
        match &self.labels {
            Labels::Polygons(labels) => labels.labels().cloned().collect(),
            Labels::Volume(labels) => labels.labels().iter().copied().map(Label::Value).collect(),
        }
    }

    /// About how much memory it takes.
    pub fn size_bytes(&self) -> usize {
        match &self.labels {
            Labels::Polygons(labels) => labels.size_bytes(),
            Labels::Volume(volume) => volume.size_bytes(),
        }
    }

    /// How far apart a volume's voxels are; `None` for polygons, whose file does not say it.
    pub fn spacing(&self) -> Result<Option<Spacing>, Unfit> {
        match &self.labels {
            Labels::Polygons(_) => Ok(None),
            Labels::Volume(volume) => spacing_of(volume).map(Some),
        }
    }

    /// Scores the prediction by the protocol, however odd its labels, or says why it cannot be read. A
    /// volume is not held.
    pub fn score(&self, prediction: impl Read, is_in_set: impl Fn(i32) -> bool) -> Result<Scored> {
        self.measure(prediction, &Plan::default(), is_in_set)
    }

    /// As [`score`](Self::score), with the measures of a plan. For those a volume is held as runs, up to
    /// 64 MiB of them.
    ///
    /// Fails with [`Unfit::Spacing`], which is the reference's fault, if a measure needs a spacing that
    /// the reference does not have.
    pub fn measure(
        &self,
        mut prediction: impl Read,
        plan: &Plan,
        is_in_set: impl Fn(i32) -> bool,
    ) -> Result<Scored> {
        self.compare(&mut prediction, plan, &is_in_set)
    }

    fn compare(
        &self,
        prediction: &mut dyn Read,
        plan: &Plan,
        is_in_set: &dyn Fn(i32) -> bool,
    ) -> Result<Scored> {
        match &self.labels {
            Labels::Polygons(reference) => {
                let file = labelme::read(prediction, &labelme::Limits::expecting(self.geometry))?;
                let prediction = file.rasterise();
                let notes = polygon_notes(&file, &prediction, is_in_set);
                let scores = scores(reference, &prediction);
                let measured = plan.of_polygons(reference, &prediction, &scores)?;
                Ok(Scored {
                    scores,
                    measured,
                    notes,
                    complaints: complaints_strict(&file),
                })
            }
            Labels::Volume(reference) => {
                let (scores, measured) = self.volumes(reference, prediction, plan)?;
                let predicted = scores.labels.iter().filter(|one| one.present_in_prediction);
                let labels = predicted.map(|one| Label::Value(one.label));
                let notes = notes_outside_set(labels, is_in_set);
                Ok(Scored {
                    scores: scores.map_labels(Label::Value),
                    measured,
                    notes,
                    complaints: Vec::new(),
                })
            }
        }
    }

    fn volumes(
        &self,
        reference: &nifti::LabelVolume,
        prediction: &mut dyn Read,
        plan: &Plan,
    ) -> Result<(CaseScores<i32>, Vec<Measured<Label>>)> {
        let limits = nifti::Limits::expecting(self.geometry);
        if plan.is_empty() {
            let mut planes = nifti::Planes::open(prediction, &limits)?;
            let scores = stream(reference, |_, runs| planes.read(runs))?;
            return Ok((scores, Vec::new()));
        }
        let held = nifti::read_labels(prediction, &limits)?;
        let [depth, ..] = self.geometry.grid();
        let scores = stream(reference, |z, runs| {
            runs.clear();
            runs.extend_from_slice(held.plane(z));
            Ok(z < depth as usize)
        })?;
        let measured = plan.of_volumes(reference, &held, &scores)?;
        Ok((scores, measured))
    }
}

fn scores<L>(reference: &Segmentation<L>, prediction: &Segmentation<L>) -> CaseScores<L>
where
    L: Ord + Clone + std::fmt::Debug + Send + Sync,
{
    // Unwrap safety: the reference has labels, each with a pixel, and the prediction was read at the
    // reference's size, with the masks that the reference asks for.
    protocol_scores(reference, prediction).expect("a fit reference and a prediction of its size")
}

/// Scores a prediction while it is read: `next` gives the runs of each plane, and false after the last.
fn stream(
    reference: &nifti::LabelVolume,
    mut next: impl FnMut(usize, &mut Vec<LabelRun>) -> Result<bool>,
) -> Result<CaseScores<i32>> {
    let grid = reference.geometry().grid().map(|extent| extent as usize);
    let mut scorer = StreamScorer::new(grid, reference.labels().iter().copied());
    let mut runs = Vec::new();
    for z in 0.. {
        if !next(z, &mut runs)? {
            break;
        }
        let pushed = scorer.push(reference.plane(z), &runs);
        pushed.map_err(|error| nifti::Fault::of(&error))?;
    }
    // Unwrap safety: the reference has labels, each with a voxel, and the prediction has as many planes.
    Ok(scorer
        .finish()
        .expect("a fit reference and a prediction of its size"))
}

fn polygon_notes(
    file: &labelme::LabelmeFile,
    labels: &Segmentation<Label>,
    is_in_set: &dyn Fn(i32) -> bool,
) -> Vec<Note> {
    let mut notes = file.notes();
    notes.extend(labelme::notes_without_pixel(labels));
    notes.extend(notes_outside_set(labels.labels().cloned(), is_in_set));
    notes
}

#[cfg(test)]
mod tests {
    use molar_metrics::Metric;
    use ndarray::Array3;

    use super::*;
    use crate::error::Error;

    /// 20 × 20 pixels with a rectangle for each label, as written in the file.
    fn rectangles(labelled: &[(&str, [i32; 4])]) -> String {
        let shape = |(label, [x0, y0, x1, y1]): &(&str, [i32; 4])| {
            format!(
                r#"{{"label": {label}, "points": [[{x0},{y0}],[{x1},{y0}],[{x1},{y1}],[{x0},{y1}]]}}"#
            )
        };
        let shapes: Vec<_> = labelled.iter().map(shape).collect();
        format!(
            r#"{{"imageHeight": 20, "imageWidth": 20, "shapes": [{}]}}"#,
            shapes.join(",")
        )
    }

    fn row(labels: &[i16]) -> Vec<u8> {
        let volume = Array3::from_shape_vec((1, 1, labels.len()), labels.to_vec()).unwrap();
        let mut file = Vec::new();
        nifti::write_labels(&mut file, volume.view(), [0.3; 3]).unwrap();
        file
    }

    fn is_in_set(label: i32) -> bool {
        matches!(label, 11 | 12)
    }

    fn assert_scores(scored: &Scored, expected: [(Metric, f64); 5]) {
        for (metric, value) in expected {
            let found = scored.scores.value(metric);
            assert!(
                (found - value).abs() < 1e-12,
                "{metric}: {found}, not {value}"
            );
        }
    }

    #[test]
    fn polygons_score_their_stated_values() {
        let reference = rectangles(&[(r#""11""#, [2, 2, 5, 5]), (r#""12""#, [10, 10, 13, 13])]);
        // Half of the first, and all of the second under a number.
        let prediction = rectangles(&[(r#""11""#, [2, 2, 5, 3]), ("12", [10, 10, 13, 13])]);
        let reference = Reference::read(Format::Labelme, reference.as_bytes(), None).unwrap();
        let scored = reference.score(prediction.as_bytes(), is_in_set).unwrap();
        assert_scores(
            &scored,
            [
                (Metric::ImageDsc, 6.0 / 7.0),
                (Metric::ImageIou, 0.75),
                (Metric::InstanceDsc, 1.0 / 3.0),
                (Metric::InstanceIou, 0.25),
                (Metric::Ia, 0.0),
            ],
        );
        let number = Label::Number("12".to_owned());
        assert_eq!(scored.notes, [Note::LabelIsNumber { label: number }]);
        let geometry = reference.geometry();
        let checked =
            check_prediction(Format::Labelme, prediction.as_bytes(), geometry, is_in_set).unwrap();
        assert_eq!(checked.complaints.len(), 1);
        assert_eq!(checked.complaints, scored.complaints);
        assert_eq!(checked.notes, scored.notes);
    }

    #[test]
    fn volumes_score_their_stated_values() {
        let reference = Reference::read(Format::Nifti, &*row(&[11, 11, 12, 12, 0]), None).unwrap();
        let prediction = row(&[11, 11, 12, 0, -3]);
        let scored = reference.score(&*prediction, is_in_set).unwrap();
        assert_scores(
            &scored,
            [
                (Metric::ImageDsc, 0.75),
                (Metric::ImageIou, 0.6),
                (Metric::InstanceDsc, 5.0 / 6.0),
                (Metric::InstanceIou, 0.75),
                // IoU 0.5 is no match, and -3 is one label more.
                (Metric::Ia, 1.0 / 3.0),
            ],
        );
        assert_eq!(
            scored.notes,
            [Note::OutsideSet {
                label: Label::Value(-3)
            }]
        );
        let labels: Vec<_> = scored
            .scores
            .labels
            .iter()
            .map(|score| score.label.clone())
            .collect();
        assert_eq!(labels, [-3, 11, 12].map(Label::Value));
        let checked =
            check_prediction(Format::Nifti, &*prediction, reference.geometry(), is_in_set).unwrap();
        assert_eq!(
            checked,
            Checked {
                complaints: Vec::new(),
                notes: scored.notes
            }
        );
    }

    #[test]
    fn a_reference_knows_about_how_much_memory_it_takes() {
        let long = vec![11; 30_000];
        let size = |labels: &[i16]| {
            let reference = Reference::read(Format::Nifti, &*row(labels), None);
            reference.unwrap().size_bytes()
        };
        // A run is a run however long; every other voxel is one.
        assert_eq!(size(&long), size(&[11]));
        let scattered: Vec<i16> = (0..1000).map(|x| 11 * (x % 2)).collect();
        assert!(size(&scattered) >= 500 * 16);

        let side = |end| rectangles(&[(r#""11""#, [0, 0, end, end])]);
        let size = |end| {
            let reference = Reference::read(Format::Labelme, side(end).as_bytes(), None);
            reference.unwrap().size_bytes()
        };
        assert_eq!(size(19) - size(9), 2 * 10 * 8);
    }

    #[test]
    fn an_empty_prediction_scores_nothing_and_is_no_fault() {
        let reference = rectangles(&[(r#""11""#, [2, 2, 5, 5])]);
        let reference = Reference::read(Format::Labelme, reference.as_bytes(), None).unwrap();
        let scored = reference
            .score(rectangles(&[]).as_bytes(), is_in_set)
            .unwrap();
        assert!(
            Metric::ALL
                .into_iter()
                .all(|metric| scored.scores.value(metric) == 0.0)
        );
        assert_eq!(scored.notes, []);
    }

    #[test]
    fn a_reference_that_cannot_be_scored_against_is_refused() {
        let unfit = |format, bytes: &[u8]| match Reference::read(format, bytes, None) {
            Err(Error::Reference(unfit)) => unfit,
            other => panic!("{other:?}"),
        };
        let polygons = |shapes: &[_]| unfit(Format::Labelme, rectangles(shapes).as_bytes());
        assert_eq!(polygons(&[]), Unfit::NoLabel);
        assert_eq!(unfit(Format::Nifti, &row(&[0, 0])), Unfit::NoLabel);
        let label = Label::Text("48".to_owned());
        assert_eq!(
            polygons(&[(r#""48""#, [90, 90, 99, 99])]),
            Unfit::WithoutPixel { label }
        );
        assert!(matches!(
            polygons(&[("11", [2, 2, 5, 5])]),
            Unfit::Complaint(_)
        ));
    }
}
