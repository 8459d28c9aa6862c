use std::collections::BTreeSet;

use molar_metrics::LabelRun;
use molar_volumes::labelme::LabelmeFile;
use molar_volumes::{Canvas, Label, fill_polygon};

use crate::cells::Plane;

/// Of a side: 64 MiB. Thirty teeth take some ten thousand.
const RUNS_MAX: usize = 1 << 22;

/// The polygons of both sides as runs, which name labels by their place in the list beside them. None of
/// what is too rough to be held.
pub fn plane_of(
    reference: Option<&LabelmeFile>,
    prediction: Option<&LabelmeFile>,
) -> Option<(Plane, Vec<Label>)> {
    let files = reference.into_iter().chain(prediction);
    let shapes = files.flat_map(|file| &file.shapes);
    let labels: BTreeSet<_> = shapes.map(|shape| shape.label.clone()).collect();
    let labels: Vec<_> = labels.into_iter().collect();
    let side = |file: Option<&LabelmeFile>| match file {
        Some(file) => runs(file, &labels),
        None => Some(Vec::new()),
    };
    let plane = Plane {
        reference: side(reference)?,
        prediction: side(prediction)?,
    };
    Some((plane, labels))
}

/// The shapes of one label are united, those of different labels may overlap.
fn runs(file: &LabelmeFile, labels: &[Label]) -> Option<Vec<LabelRun>> {
    let mut canvas = Canvas::new(file.image_height, file.image_width);
    let mut runs = Vec::new();
    for (label, name) in labels.iter().enumerate() {
        for shape in file.shapes.iter().filter(|shape| shape.label == *name) {
            fill_polygon(&mut canvas, &shape.points);
        }
        for y in canvas.touched_rows() {
            // Unwrap safety (of the casts): within the image, and there are few labels.
            runs.extend(canvas.runs_of(y).map(|x| LabelRun {
                y: y as u32,
                start: x.start as u32,
                end: x.end as u32,
                label: label as i32,
            }));
            if runs.len() > RUNS_MAX {
                return None;
            }
        }
        canvas.wipe();
    }
    runs.sort_by_key(|run| (run.y, run.start));
    Some(runs)
}

#[cfg(test)]
mod tests {
    use molar_volumes::labelme;

    use super::*;

    fn read(text: &str) -> LabelmeFile {
        labelme::read(text.as_bytes(), &labelme::Limits::default()).unwrap()
    }

    #[test]
    fn labels_of_both_sides_have_their_places_and_shapes_of_one_are_united() {
        let reference = read(
            r#"{"imageHeight": 3, "imageWidth": 9, "shapes": [
                {"label": "12", "points": [[0,0],[2,0]]}, {"label": "12", "points": [[2,0],[4,0]]}]}"#,
        );
        let prediction = read(
            r#"{"imageHeight": 3, "imageWidth": 9, "shapes": [{"label": "11", "points": [[1,1],[3,1]]}]}"#,
        );
        let (plane, labels) = plane_of(Some(&reference), Some(&prediction)).unwrap();
        let run = |y, start, end, label| LabelRun {
            y,
            start,
            end,
            label,
        };
        assert_eq!(
            labels.iter().map(Label::to_string).collect::<Vec<_>>(),
            ["11", "12"]
        );
        assert_eq!(plane.reference, [run(0, 0, 5, 1)]);
        assert_eq!(plane.prediction, [run(1, 1, 4, 0)]);
        let (alone, labels) = plane_of(None, Some(&prediction)).unwrap();
        assert_eq!((alone.reference.len(), labels.len()), (0, 1));
    }

    #[test]
    fn what_is_too_rough_is_not_held() {
        let comb: Vec<_> = (0..3000)
            .map(|x| format!("[{x},{}]", x % 2 * 2999))
            .collect();
        let comb = comb.join(",");
        let shapes: Vec<_> = (0..4)
            .map(|label| format!(r#"{{"label": "{label}", "points": [{comb}]}}"#))
            .collect();
        let text = format!(
            r#"{{"imageHeight": 3000, "imageWidth": 3000, "shapes": [{}]}}"#,
            shapes.join(",")
        );
        assert!(plane_of(Some(&read(&text)), None).is_none());
    }
}
