use molar_metrics::{
    CaseScores, Context, Error, Groups, JointCounts, LabelRun, Measure, Measured, Segmentation,
    Side, Spacing, measure,
};

use crate::error::Result;
use crate::geometry::Geometry;
use crate::label::Label;
use crate::labelme;
use crate::nifti;
use crate::unfit::Unfit;

/// Measures that are wanted beside the protocol's seven, and what they need that no file says.
#[derive(Debug, Clone)]
pub struct Plan {
    measures: Vec<Measure>,
    groups: Groups<i32>,
    pixel_spacing: Spacing,
}

/// None: the protocol's seven alone, for which a volume is not held.
impl Default for Plan {
    fn default() -> Self {
        Self {
            measures: Vec::new(),
            groups: Groups::default(),
            pixel_spacing: Spacing::UNIT,
        }
    }
}

impl Plan {
    /// `pixel_spacing_mm` is that of images, whose files do not say it; a volume's header does.
    ///
    /// Fails on a measure of a group that is not among `groups`, and on a spacing that is not from 1e-6
    /// to 1e6.
    pub fn new(
        measures: Vec<Measure>,
        groups: Groups<i32>,
        pixel_spacing_mm: f64,
    ) -> Result<Self, Error> {
        for group in measures.iter().filter_map(Measure::group) {
            groups.find(group)?;
        }
        Ok(Self {
            measures,
            groups,
            pixel_spacing: Spacing::new([pixel_spacing_mm; 3])?,
        })
    }

    /// In the order in which they are measured.
    pub fn measures(&self) -> &[Measure] {
        &self.measures
    }

    /// What each measure is for a case without a readable prediction, whose reference has these labels and,
    /// of a volume, this spacing. `None` for a mean over a group of which the reference has no label.
    pub fn worst(
        &self,
        geometry: Geometry,
        spacing: Option<Spacing>,
        labels: &[i32],
    ) -> Vec<Option<f64>> {
        let grid = geometry.grid().map(|extent| extent as usize);
        let diagonal_mm = match spacing {
            Some(spacing) => spacing.diagonal_mm(grid),
            None => diagonal_of_image(self.pixel_spacing, grid),
        };
        let has_label = |measure: &Measure| match measure.group().map(|name| self.groups.find(name))
        {
            Some(Ok(group)) => labels.iter().any(|label| group.contains(label)),
            Some(Err(_)) | None => true,
        };
        let measures = self.measures.iter();
        measures
            .map(|measure| has_label(measure).then(|| measure.worst(diagonal_mm)))
            .collect()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.measures.is_empty()
    }

    pub(crate) fn of_polygons(
        &self,
        reference: &Segmentation<Label>,
        prediction: &Segmentation<Label>,
        scores: &CaseScores<Label>,
    ) -> Result<Vec<Measured<Label>>> {
        if self.is_empty() {
            return Ok(Vec::new());
        }
        let groups = Groups::new(self.groups.iter().map(|(name, labels)| {
            let labels = labels.iter().map(|label| Label::Text(label.to_string()));
            (name, labels.collect::<Vec<_>>())
        }));
        // Unwrap safety: the names are those of groups.
        let groups = groups.expect("names of groups");
        let context = Context {
            spacing: self.pixel_spacing,
            diagonal_mm: diagonal_of_image(self.pixel_spacing, reference.grid()),
            groups: &groups,
            joint: None,
            scores: Some(scores),
        };
        let measured = measured(reference, prediction, &context, &self.measures)?;
        measured.map_err(|Rough| labelme::Fault::Rough.into())
    }

    /// `scores` are those of the same two volumes.
    pub(crate) fn of_volumes(
        &self,
        reference: &nifti::LabelVolume,
        prediction: &nifti::LabelVolume,
        scores: &CaseScores<i32>,
    ) -> Result<Vec<Measured<Label>>> {
        if self.is_empty() {
            return Ok(Vec::new());
        }
        let spacing = match self.measures.iter().any(Measure::needs_spacing) {
            true => spacing_of(reference)?,
            false => Spacing::UNIT,
        };
        let grid = reference.geometry().grid().map(|extent| extent as usize);
        let [a, b] = [reference, prediction].map(planes_of);
        let fault = |error| nifti::Fault::of(&error);
        let joint = JointCounts::of_label_runs(&a, &b).map_err(fault)?;
        let reference = Segmentation::from_label_runs(grid, &a).map_err(|_| Unfit::Scattered)?;
        let prediction =
            Segmentation::from_label_runs_against(grid, &b, &reference).map_err(fault)?;
        let context = Context {
            spacing,
            diagonal_mm: spacing.diagonal_mm(grid),
            groups: &self.groups,
            joint: Some(&joint),
            scores: Some(scores),
        };
        let measured = measured(&reference, &prediction, &context, &self.measures)?;
        let measured = measured.map_err(|Rough| nifti::Fault::Rough)?;
        Ok(measured.into_iter().map(named).collect())
    }
}

/// Millimetres between voxels along z, y, x.
pub(crate) fn spacing_of(volume: &nifti::LabelVolume) -> Result<Spacing, Unfit> {
    let [x, y, z] = volume.spacing();
    Spacing::new([z, y, x]).map_err(|_| Unfit::Spacing { mm: [x, y, z] })
}

/// A slice has no thickness that a distance could cross.
fn diagonal_of_image(spacing: Spacing, [_, height, width]: [usize; 3]) -> f64 {
    spacing.diagonal_mm([0, height, width])
}

fn planes_of(volume: &nifti::LabelVolume) -> Vec<&[LabelRun]> {
    let [depth, ..] = volume.geometry().grid();
    (0..depth as usize).map(|z| volume.plane(z)).collect()
}

/// The prediction's surface is more than can be listed.
struct Rough;

fn measured<L>(
    reference: &Segmentation<L>,
    prediction: &Segmentation<L>,
    context: &Context<'_, L>,
    measures: &[Measure],
) -> Result<Result<Vec<Measured<L>>, Rough>, Unfit>
where
    L: Ord + Clone + std::fmt::Debug + Send + Sync,
{
    match measure(reference, prediction, context, measures) {
        Ok(measured) => Ok(Ok(measured)),
        Err(Error::Rough { side, .. }) => match side {
            Side::Prediction => Ok(Err(Rough)),
            Side::Reference => Err(Unfit::Scattered),
        },
        // The reference has labels, each with a voxel, the prediction is of its size, the groups were looked up
        // when the plan was made, and what matching needs is given.
        Err(error) => panic!("a fit reference and a prediction of its size: {error}"),
    }
}

fn named(measured: Measured<i32>) -> Measured<Label> {
    let labels = measured.labels.into_iter();
    Measured {
        value: measured.value,
        labels: labels
            .map(|(label, value)| (Label::Value(label), value))
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use ndarray::Array3;

    use super::*;
    use crate::case::Reference;
    use crate::error::Error as VolumeError;
    use crate::format::Format;
    use crate::scored::Scored;

    fn plan(names: &[&str], pixel_spacing_mm: f64) -> Plan {
        let measures = names.iter().map(|name| name.parse().unwrap()).collect();
        let groups = Groups::new([("upper", vec![11, 21]), ("lower", vec![31])]).unwrap();
        Plan::new(measures, groups, pixel_spacing_mm).unwrap()
    }

    fn volume(labels: &[u8], spacing: [f32; 3]) -> Vec<u8> {
        let volume = Array3::from_shape_vec((1, 1, labels.len()), labels.to_vec()).unwrap();
        let mut file = Vec::new();
        nifti::write_labels(&mut file, volume.view(), spacing).unwrap();
        file
    }

    fn polygons(labelled: &[(&str, i32)]) -> String {
        let shapes: Vec<_> = labelled
            .iter()
            .map(|(label, x)| format!(r#"{{"label": "{label}", "points": [[{x},1],[{x},1]]}}"#))
            .collect();
        let shapes = shapes.join(",");
        format!(r#"{{"imageHeight": 3, "imageWidth": 40, "shapes": [{shapes}]}}"#)
    }

    fn values(scored: &Scored) -> Vec<Option<f64>> {
        scored.measured.iter().map(|one| one.value).collect()
    }

    #[test]
    fn volumes_are_measured_in_the_millimetres_of_the_reference() {
        let reference = volume(&[11, 0, 0, 0, 0, 31, 0, 0], [0.5, 2.0, 4.0]);
        let prediction = volume(&[0, 0, 0, 11, 0, 32, 0, 0], [9.0; 3]);
        let reference = Reference::read(Format::Nifti, &*reference, None).unwrap();
        let names = [
            "instance_HD/upper",
            "image_HD",
            "PQ@greedy",
            "detection_recall",
            "instance_NSD@1.5mm/upper",
            "instance_HD",
            "instance_DSC/lower",
        ];
        let scored = reference.measure(&*prediction, &plan(&names, 1.0), |_| true);
        let scored = scored.unwrap();
        // 31 is not there, so it is as far away as can be.
        let diagonal = (16.0_f64 + 4.0 + 16.0).sqrt();
        let expected = [1.5, 1.5, 0.5, 0.0, 1.0, (1.5 + diagonal) / 2.0, 0.0];
        assert_eq!(values(&scored), expected.map(Some));
        let label = |value| Label::Value(value);
        assert_eq!(
            scored.measured[5].labels,
            [(label(11), 1.5), (label(31), diagonal)]
        );
        let labels = scored.labels(&plan(&names, 1.0));
        assert_eq!(labels[0].further["HD"], 1.5);
        assert_eq!(labels[0].further["NSD@1.5mm"], 1.0);
        assert_eq!(labels[2].label, "32");
        assert!(labels[2].further.is_empty());
        let protocol = reference.score(&*prediction, |_| true).unwrap();
        assert_eq!(scored.scores, protocol.scores);
        assert_eq!(scored.notes, protocol.notes);
    }

    #[test]
    fn polygons_are_measured_in_the_millimetres_of_a_pixel() {
        let reference = polygons(&[("11", 2), ("31", 30)]);
        let prediction = polygons(&[("11", 5), ("21", 30)]);
        let reference = Reference::read(Format::Labelme, reference.as_bytes(), None).unwrap();
        let names = [
            "instance_HD/upper",
            "instance_HD/lower",
            "image_HD",
            "SQ@optimal",
        ];
        let scored = reference.measure(prediction.as_bytes(), &plan(&names, 0.1), |_| true);
        let scored = scored.unwrap();
        let diagonal = (0.3_f64 * 0.3 + 4.0 * 4.0).sqrt();
        for (found, expected) in values(&scored).iter().zip([0.3, diagonal, 0.3, 1.0]) {
            assert!((found.unwrap() - expected).abs() < 1e-12, "{scored:?}");
        }
    }

    #[test]
    fn a_reference_without_a_spacing_is_unfit_only_where_it_is_needed() {
        let file = volume(&[11, 0], [0.0, 1.0, 1.0]);
        let reference = Reference::read(Format::Nifti, &*file, None).unwrap();
        assert!(matches!(reference.spacing(), Err(Unfit::Spacing { .. })));
        reference.score(&*file, |_| true).unwrap();
        let measure = |names: &[&str]| reference.measure(&*file, &plan(names, 1.0), |_| true);
        assert_eq!(values(&measure(&["PQ"]).unwrap()), [Some(1.0)]);
        match measure(&["PQ", "image_HD95"]) {
            Err(VolumeError::Reference(unfit)) => assert_eq!(
                unfit.to_string(),
                "the header's voxels are [0.0, 1.0, 1.0] mm along x, y and z: save the volume with \
                 the size of its voxels"
            ),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_cannot_be_planned_is_refused() {
        let measures = || vec!["instance_HD/odd".parse().unwrap()];
        assert!(Plan::new(measures(), Groups::default(), 1.0).is_err());
        let groups = || Groups::new([("odd", [11])]).unwrap();
        assert!(Plan::new(measures(), groups(), 0.0).is_err());
        Plan::new(measures(), groups(), 0.1).unwrap();
    }

    #[test]
    fn the_worst_is_the_diagonal_for_a_length_and_nothing_for_a_group_that_is_not_there() {
        let names = [
            "PQ",
            "image_HD",
            "instance_ASSD/upper",
            "instance_DSC/lower",
        ];
        let worst = |geometry, spacing| plan(&names, 0.5).worst(geometry, spacing, &[11]);
        assert_eq!(
            worst(Geometry::image(6, 8), None),
            [Some(0.0), Some(5.0), Some(5.0), None]
        );
        let spacing = Spacing::new([1.0, 0.5, 0.25]).unwrap();
        assert_eq!(
            worst(Geometry::volume([8, 6, 6]), Some(spacing))[1],
            Some(7.0)
        );
    }

    #[test]
    fn a_group_that_the_reference_lacks_has_no_value() {
        let file = volume(&[11, 0], [1.0; 3]);
        let reference = Reference::read(Format::Nifti, &*file, None).unwrap();
        let scored = reference.measure(&*file, &plan(&["instance_DSC/lower"], 1.0), |_| true);
        assert_eq!(values(&scored.unwrap()), [None]);
    }
}
