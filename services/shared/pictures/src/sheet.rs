//! One picture that tells a case: its panels beside each other, with the numbers that go with them. Of a
//! volume, one plane is drawn, and all of them from the front.

use std::ops::Range;

use image::RgbImage;
use molar_volumes::Label;

use crate::axis::Axis;
use crate::cells::Plane;
use crate::facts::{self, Facts};
use crate::front::Front;
use crate::layout::{self, CAPTION_HEIGHT, GAP, MARGIN};
use crate::palette::{INK, PAPER, QUIET};
use crate::panel::{self, Panel, View};
use crate::tally::{Counts, Tally};
use crate::text::{CAPTION, TITLE};

/// Of the title and the line beneath it.
const HEAD: u32 = 100;

pub struct Picture {
    pub(crate) case: String,
    pub(crate) plane: Plane,
    /// Columns and rows of the plane.
    pub(crate) size: [u32; 2],
    /// Of the whole case.
    pub(crate) tally: Tally,
    pub(crate) stack: Option<Stack>,
    /// What the labels of the runs stand for.
    pub(crate) name: Box<dyn Fn(i32) -> Label>,
}

/// The volume that a plane is of.
pub(crate) struct Stack {
    pub depth: u32,
    /// Of the plane.
    pub z: u32,
    pub slice: Counts,
    /// Millimetres along x, y and z.
    pub spacing: [f64; 3],
    pub front: Front,
    /// What holds all labels: x, y and z.
    pub bounds: [Range<u32>; 3],
}

/// How many panels stand beside each other, and the most that each may take.
#[derive(Clone, Copy)]
struct Sheet {
    columns: u32,
    width: u32,
    height: u32,
}

/// For images at least half as wide again as high.
const WIDE: Sheet = Sheet {
    columns: 2,
    width: 1000,
    height: 1000,
};
const SQUARE: Sheet = Sheet {
    columns: 3,
    width: 680,
    height: 680,
};

/// A pixel is drawn no larger than this.
const LARGEST: f64 = 64.0;
/// Of a panel: the number of a line has room.
const LEAST_HEIGHT: u32 = 48;
/// What is thinner is drawn this thick.
const THINNEST: u32 = 8;

impl Picture {
    /// The runs name labels by their place in `labels`; all of them count, those without a pixel too.
    pub fn of_image(case: &str, size: [u32; 2], plane: Plane, labels: Vec<Label>) -> Self {
        // Unwrap safety (of the casts): indices of labels that are held.
        let mut tally = Tally::of_labels((0..labels.len()).map(|label| label as i32));
        plane.each_segment(|segment| tally.add(segment));
        Self {
            case: case.to_owned(),
            plane,
            size,
            tally,
            stack: None,
            name: Box::new(move |label| labels[label as usize].clone()),
        }
    }

    pub fn draw(&self) -> RgbImage {
        match &self.stack {
            None => self.image(),
            Some(stack) => self.volume(stack),
        }
    }

    fn image(&self) -> RgbImage {
        let [width, height] = self.size;
        let is_wide = u64::from(width) * 2 >= u64::from(height) * 3;
        let sheet = if is_wide { WIDE } else { SQUARE };
        let windows = [0..width, 0..height];
        let view = view(&windows, [1.0; 2], [sheet.width, sheet.height], false);
        let drawn = [view.columns, view.rows].map(Axis::drawn);
        let details = format!(
            "{width} × {height} pixels, drawn as {} × {}",
            drawn[0], drawn[1]
        );
        let captions = ["Reference", "Prediction", "Errors"].map(str::to_owned);
        let panels = captions.into_iter().zip(self.panels(view)).collect();
        self.sheet(sheet, &details, panels, None)
    }

    /// The slice is drawn as the challenge's volumes lie: the patient's right on the left, the front above.
    fn volume(&self, stack: &Stack) -> RgbImage {
        let sheet = SQUARE;
        let [width, height] = self.size;
        let [x, y, z] = stack.bounds.clone();
        let [x, y, z] = [(x, width), (y, height), (z, stack.depth)].map(|(of, to)| around(of, to));
        let aspect = |axis: usize| aspect(stack.spacing, axis);
        let limit = [sheet.width, sheet.height];
        let plane = view(&[x.clone(), y.clone()], [1.0, aspect(1)], limit, true);
        let limit = [plane.columns.drawn(), sheet.height];
        let front = view(&[x.clone(), z.clone()], [1.0, aspect(2)], limit, true);

        let most = match stack.slice.errors() {
            0 => "the most labels (no slice has errors)",
            _ => "the most errors",
        };
        let details = format!(
            "{width} × {height} × {} voxels; axial slice z = {}, with {most}; drawn are x {} to {} from \
             left to right, y {} to {} and z {} to {} downwards",
            stack.depth,
            stack.z,
            x.end - 1,
            x.start,
            y.start,
            y.end - 1,
            z.end - 1,
            z.start,
        );
        let captions = ["Reference", "Prediction", "Errors"];
        let captions = captions.map(|what| format!("{what}, slice {}", stack.z));
        let mut panels: Vec<_> = captions.into_iter().zip(self.panels(plane)).collect();
        let caption = format!("Errors of all slices from the front; dashed: {}", stack.z);
        panels.push((
            caption,
            stack.front.panel(front.columns, front.rows, stack.z),
        ));
        self.sheet(sheet, &details, panels, Some(stack.slice))
    }

    fn panels(&self, view: View) -> [Panel; 3] {
        [
            panel::labels(&self.plane, view, |segment| segment.reference, &self.name),
            panel::labels(&self.plane, view, |segment| segment.prediction, &self.name),
            panel::errors(&self.plane, view),
        ]
    }

    fn sheet(
        &self,
        sheet: Sheet,
        details: &str,
        panels: Vec<(String, Panel)>,
        slice: Option<Counts>,
    ) -> RgbImage {
        let rows = panels.chunks(sheet.columns as usize);
        let heights: Vec<u32> = rows
            .map(|row| row.iter().map(|(_, panel)| panel.pixels.height).max())
            .map(|height| height.unwrap_or(0).max(LEAST_HEIGHT))
            .collect();
        let step = |height: u32| CAPTION_HEIGHT + height + GAP;
        let top = |row: usize| HEAD + heights[..row].iter().copied().map(step).sum::<u32>();
        let left = |column: u32| MARGIN + column * (sheet.width + GAP);

        let count = panels.len() as u32;
        let row = (count / sheet.columns) as usize;
        let facts = [left(count % sheet.columns), top(row)];
        let room = heights.get(row).map_or(0, |height| CAPTION_HEIGHT + height);
        let room = room.max(facts::LEAST_HEIGHT);
        let width = left(sheet.columns) - GAP + MARGIN;
        let height = top(heights.len()).max(facts[1] + room + GAP) - GAP + MARGIN;
        let mut picture = RgbImage::from_pixel(width, height, PAPER);
        self.head(&mut picture, details);
        for (at, (caption, panel)) in panels.iter().enumerate() {
            let (row, column) = (at / sheet.columns as usize, at as u32 % sheet.columns);
            let at = [left(column), top(row)];
            layout::place(
                &mut picture,
                at,
                [sheet.width, heights[row]],
                caption,
                panel,
            );
        }
        let drawn = Facts {
            tally: &self.tally,
            slice,
            overlapping: panel::overlapping(&self.plane),
            name: &self.name,
        };
        drawn.draw(&mut picture, facts, room);
        picture
    }

    fn head(&self, picture: &mut RgbImage, details: &str) {
        let scores = format!(
            "image_DSC {:.4}   instance_DSC {:.4}   IA {:.4}",
            self.tally.image_dsc(),
            self.tally.instance_dsc(),
            self.tally.ia(),
        );
        let end = picture.width() - MARGIN;
        layout::right_aligned(picture, TITLE, [end, 18], &scores, INK);
        let room = end - MARGIN - TITLE.width(&scores) - 2 * GAP;
        let case = TITLE.fit(&self.case, room);
        TITLE.draw(picture, [MARGIN.into(), 18], &case, INK);
        let details = CAPTION.fit(details, end - MARGIN);
        CAPTION.draw(picture, [MARGIN.into(), 54], &details, QUIET);
    }
}

/// A little more than what holds the labels.
fn around(bounds: Range<u32>, extent: u32) -> Range<u32> {
    let margin = (bounds.len() as u32 / 25).max(2);
    bounds.start.saturating_sub(margin)..bounds.end.saturating_add(margin).min(extent)
}

/// How long a voxel is along an axis, where it is 1 along x; 1 too where the header is implausible.
pub(crate) fn aspect(spacing: [f64; 3], axis: usize) -> f64 {
    let aspect = spacing[axis] / spacing[0];
    if (0.1..=10.0).contains(&aspect) {
        aspect
    } else {
        1.0
    }
}

/// As large as fits.
fn view(windows: &[Range<u32>; 2], aspects: [f64; 2], limit: [u32; 2], is_mirrored: bool) -> View {
    let extent = |axis: usize| windows[axis].len() as f64 * aspects[axis];
    let fitting = (0..2).map(|axis| f64::from(limit[axis]) / extent(axis));
    let scale = fitting.fold(LARGEST, f64::min);
    let drawn = |axis: usize| {
        // Unwrap safety (of the cast): clamped to the limit.
        let drawn = (extent(axis) * scale).round() as u32;
        drawn.max(THINNEST).min(limit[axis])
    };
    View {
        columns: Axis::new(&windows[0], drawn(0)),
        rows: Axis::new(&windows[1], drawn(1)),
        is_mirrored,
        is_upside_down: false,
    }
}

#[cfg(test)]
mod tests {
    use molar_metrics::LabelRun;

    use super::*;
    use crate::{Survey, joint, palette};

    fn block(label: i32, x: Range<u32>, y: Range<u32>) -> Vec<LabelRun> {
        let row = |y| LabelRun {
            y,
            start: x.start,
            end: x.end,
            label,
        };
        y.map(row).collect()
    }

    fn tooth(number: i32) -> image::Rgb<u8> {
        palette::of_label(&Label::Value(number))
    }

    fn volume(size: [u32; 3], of: impl Fn(u32) -> [Vec<LabelRun>; 2]) -> RgbImage {
        let mut survey = Survey::new(size);
        for z in 0..size[2] {
            let [reference, prediction] = of(z);
            survey.push(&reference, &prediction);
        }
        survey.finish("A", [0.3; 3]).draw()
    }

    #[test]
    fn a_wide_image_has_its_errors_below() {
        let plane = Plane {
            reference: block(0, 0..200, 0..100),
            prediction: block(1, 0..200, 0..100),
        };
        let labels = [11, 12].map(|label| Label::Text(label.to_string()));
        let picture = Picture::of_image("A", [200, 100], plane, labels.to_vec()).draw();
        assert_eq!(picture.dimensions(), (2088, 1228));
        let (top, below) = (
            HEAD + CAPTION_HEIGHT + 100,
            HEAD + 2 * CAPTION_HEIGHT + 500 + GAP + 100,
        );
        assert_eq!(*picture.get_pixel(MARGIN + 100, top), tooth(11));
        assert_eq!(
            *picture.get_pixel(MARGIN + 1000 + GAP + 100, top),
            tooth(12)
        );
        let wrong = palette::of_class(joint::Class::Wrong);
        assert_eq!(*picture.get_pixel(MARGIN + 100, below), wrong);
    }

    #[test]
    fn a_volume_is_cut_to_what_is_labelled_and_mirrored() {
        let picture = volume([600, 600, 50], |z| match z {
            10..40 => {
                let right = block(11, 300..330, 300..310);
                let left = block(21, 270..300, 300..310);
                let both: Vec<_> = left
                    .into_iter()
                    .zip(right)
                    .flat_map(|(a, b)| [a, b])
                    .collect();
                [both, Vec::new()]
            }
            _ => [Vec::new(), Vec::new()],
        });
        // 64 by 14 voxels, each ten pixels large.
        let y = HEAD + CAPTION_HEIGHT + 40;
        assert_eq!(*picture.get_pixel(MARGIN + 100, y), tooth(11));
        assert_eq!(*picture.get_pixel(MARGIN + 580, y), tooth(21));
        assert_eq!(*picture.get_pixel(MARGIN + 5, y), palette::BLACK);
        let missed = palette::of_class(joint::Class::Missed);
        assert_eq!(
            *picture.get_pixel(MARGIN + 2 * (680 + GAP) + 100, y),
            missed
        );
    }

    #[test]
    fn volumes_of_any_shape_are_drawn() {
        for size in [
            [1, 1, 1],
            [40, 30, 1],
            [40, 1, 30],
            [1, 40, 30],
            [90_000, 1, 1],
            [1, 1, 90_000],
        ] {
            let [width, height, _] = size;
            let whole = volume(size, |_| [block(11, 0..width, 0..height), Vec::new()]);
            assert_eq!(whole.width(), 2152, "{size:?}");
            let missed = palette::of_class(joint::Class::Missed);
            let pixels = whole.pixels().filter(|pixel| **pixel == missed).count();
            assert!(pixels > 5_000, "{size:?}: {pixels}");
        }
    }

    #[test]
    fn nothing_is_written_beyond_the_margins() {
        let plane = Plane {
            reference: block(0, 0..9, 0..9),
            prediction: Vec::new(),
        };
        let labels: Vec<_> = (0..99)
            .map(|at| Label::Text(format!("a long label, {at}")))
            .collect();
        let picture = Picture::of_image(&"case".repeat(99), [9, 9], plane, labels).draw();
        for (x, y, pixel) in picture.enumerate_pixels() {
            let (right, bottom) = (picture.width() - MARGIN, picture.height() - GAP);
            let is_inside = (MARGIN - 1..=right).contains(&x) && (18..=bottom).contains(&y);
            assert!(is_inside || *pixel == PAPER, "{x}, {y}");
        }
    }

    #[test]
    fn proportions_are_those_of_the_header_unless_it_is_implausible() {
        let spacing = [0.25, 0.25, 0.5];
        assert_eq!((aspect(spacing, 1), aspect(spacing, 2)), (1.0, 2.0));
        for odd in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e-9] {
            assert_eq!(aspect([1.0, 1.0, odd], 2), 1.0, "{odd}");
            assert_eq!(aspect([odd, 1.0, 1.0], 2), 1.0, "{odd}");
        }
        let drawn = view(&[0..100, 0..50], [1.0, 2.0], [680, 680], false);
        assert_eq!((drawn.columns.drawn(), drawn.rows.drawn()), (680, 680));
        let drawn = view(&[0..2000, 0..900], [1.0; 2], [1000, 1000], false);
        assert_eq!((drawn.columns.drawn(), drawn.rows.drawn()), (1000, 450));
    }
}
