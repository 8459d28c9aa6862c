use std::collections::BTreeMap;

use molar_metrics::{Mask, Run, Segmentation};

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
        let mut canvas = Canvas::new(self.image_height, self.image_width);
        let mut flips = canvas.clone();
        let masks = polygons.into_iter().map(|(label, polygons)| {
            for points in polygons {
                fill_polygon_with(&mut flips, &mut canvas, points);
            }
            let mask = Mask::from_runs(&runs(&canvas));
            canvas.wipe();
            (label.clone(), mask)
        });
        let grid = self.geometry().grid().map(|extent| extent as usize);
        // Unwrap safety: a canvas of the grid's height and width has no pixel outside it.
        Segmentation::from_masks(grid, masks).expect("masks inside their own image")
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

fn runs(canvas: &Canvas) -> Vec<Run> {
    let rows = canvas.touched_rows();
    rows.flat_map(|y| canvas.runs_of(y).map(move |x| Run { z: 0, y, x }))
        .collect()
}
