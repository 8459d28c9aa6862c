use std::collections::BTreeMap;

use molar_metrics::{Mask, Segmentation};

use super::{LabelmeFile, Note};
use crate::canvas::Canvas;
use crate::fillpoly::fill_polygon_with;
use crate::label::Label;

impl LabelmeFile {
    /// One mask per label: the shapes of a label are united, those of different labels may overlap.
    /// A label whose shapes lie wholly outside the image is there, without a pixel.
    pub fn rasterise(&self) -> Segmentation<Label> {
        let mut polygons = BTreeMap::<&Label, Vec<&[[i32; 2]]>>::new();
        for shape in &self.shapes {
            polygons
                .entry(&shape.label)
                .or_default()
                .push(&shape.points);
        }
        let mut whole = None;
        let masks = polygons
            .into_iter()
            .map(|(label, polygons)| (label.clone(), self.draw(&polygons, &mut whole)));
        let grid = self.geometry().grid().map(|extent| extent as usize);
        // Unwrap safety: a canvas of the grid's height and width has no pixel outside it.
        Segmentation::from_masks(grid, masks).expect("masks inside their own image")
    }

    /// On canvases no larger than the polygons where all of them lie inside the image: there nothing is
    /// clipped, and a polygon has the same pixels wherever it lies. Else on those of the whole image.
    fn draw(&self, polygons: &[&[[i32; 2]]], whole: &mut Option<[Canvas; 2]>) -> Mask {
        let canvases = |height, width| [Canvas::new(height, width), Canvas::new(height, width)];
        let mut small;
        let (from, [canvas, flips]) = match self.place(polygons) {
            Some((from, [height, width])) => {
                small = canvases(height, width);
                (from, &mut small)
            }
            None => {
                let of_the_image = || canvases(self.image_height, self.image_width);
                ([0, 0], whole.get_or_insert_with(of_the_image))
            }
        };
        for points in polygons {
            let moved = points.iter().map(|[x, y]| [x - from[0], y - from[1]]);
            fill_polygon_with(flips, canvas, &moved.collect::<Vec<_>>());
        }
        // Unwrap safety (of the casts): neither is negative.
        let [x, y] = from.map(|at| at as usize);
        let first = [0, y + canvas.touched_rows().start, x];
        let mask = Mask::from_rows(first, canvas.words_per_row(), canvas.touched_words());
        canvas.wipe();
        mask
    }

    /// The first column and row, and the height and width, of what holds every point; `None` if that is
    /// not inside the image.
    fn place(&self, polygons: &[&[[i32; 2]]]) -> Option<([i32; 2], [u32; 2])> {
        let along = |axis: usize, size: u32| {
            let places = || polygons.iter().copied().flatten().map(|point| point[axis]);
            let (first, last) = (places().min()?, places().max()?);
            let is_inside = first >= 0 && i64::from(last) < i64::from(size);
            is_inside.then(|| (first, last.abs_diff(first) + 1))
        };
        let (left, width) = along(0, self.image_width)?;
        let (top, height) = along(1, self.image_height)?;
        Some(([left, top], [height, width]))
    }
}

/// The labels that no pixel bears, told because they still count in IA's union.
pub fn notes_without_pixel(segmentation: &Segmentation<Label>) -> Vec<Note> {
    let labels = segmentation
        .labels()
        .filter(|label| segmentation.voxels(label) == Some(0));
    labels
        .map(|label| Note::WithoutPixel {
            label: label.clone(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use molar_metrics::Run;
    use proptest::prelude::*;

    use super::*;
    use crate::labelme::Shape;

    const HEIGHT: u32 = 40;
    const WIDTH: u32 = 150;

    fn drawn_on_the_whole_image(polygons: &[Vec<[i32; 2]>]) -> Mask {
        let mut canvas = Canvas::new(HEIGHT, WIDTH);
        for points in polygons {
            crate::fillpoly::fill_polygon(&mut canvas, points);
        }
        let runs = |y| canvas.runs_of(y).map(move |x| Run { z: 0, y, x });
        let runs: Vec<_> = canvas.touched_rows().flat_map(runs).collect();
        Mask::from_runs(&runs)
    }

    proptest! {
        /// Half of them beyond the border.
        #[test]
        fn a_small_canvas_changes_no_pixel(
            beyond in prop_oneof![Just(0), Just(30)],
            polygons in prop::collection::vec(prop::collection::vec([0.0..1.0, 0.0..1.0], 1..9), 1..4),
        ) {
            let along = |at: f64, size: u32| (at * f64::from(size + 2 * beyond)) as i32 - beyond as i32;
            let place = |[x, y]: [f64; 2]| [along(x, WIDTH), along(y, HEIGHT)];
            let place_all = |points: Vec<_>| points.into_iter().map(place).collect();
            let polygons: Vec<Vec<_>> = polygons.into_iter().map(place_all).collect();
            let label = Label::Text("11".to_owned());
            let shape = |points: &Vec<_>| Shape {
                label: label.clone(),
                shape_type: "polygon".to_owned(),
                points: points.clone(),
            };
            let file = LabelmeFile {
                image_height: HEIGHT,
                image_width: WIDTH,
                shapes: polygons.iter().map(shape).collect(),
            };
            let found = file.rasterise();
            prop_assert_eq!(found.mask(&label), Some(&drawn_on_the_whole_image(&polygons)));
        }
    }
}
