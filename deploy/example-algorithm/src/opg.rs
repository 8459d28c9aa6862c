//! Panoramic X-rays: teeth are brighter than bone, and a dark line parts the jaws.
//!
//! The patient's right is the picture's left.

use std::path::Path;

use serde_json::{Value, json};

use crate::components::{Grid, components, keep_largest};
use crate::contour;
use crate::numbering::{LOWER, LOWER_WIDTHS, Task, UPPER, UPPER_WIDTHS, seat};
use crate::threshold::{box_filter, highest_otsu};
use crate::{Error, Params, Split};

/// Width of the working grid: enough for a tooth of fifty pixels.
const WORKING_WIDTH: usize = 1000;
/// Longest tooth, crown, and length of half an arch, as parts of the picture.
const TOOTH: f64 = 0.235;
const CROWN: f64 = 0.078;
const UPPER_HALF: f64 = 0.350;
const LOWER_HALF: f64 = 0.378;
/// The histogram parts enamel from the rest; dentine begins this much lower.
const BELOW_BRIGHT: f32 = 0.85;

pub fn segment(path: &Path, case: &str, params: &Params) -> Result<Vec<u8>, Error> {
    let image = image::open(path)?.into_luma8();
    let (width, height) = (image.width() as usize, image.height() as usize);
    let factor = (width / WORKING_WIDTH).max(1);
    let picture = Picture::shrunk(image.as_raw(), width, height, factor, params.smooth);
    let labels = picture.label(params);
    let shapes = picture.shapes(&labels, factor);
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let file = json!({
        "version": "5.1.1",
        "flags": {},
        "shapes": shapes,
        "imagePath": name,
        "imageData": null,
        "imageHeight": height,
        "imageWidth": width,
        "case": case,
    });
    Ok(file.to_string().into_bytes())
}

struct Picture {
    grid: Grid,
    grey: Vec<f32>,
}

/// Two lines that lean: where each starts at the bite, and its slope towards the roots.
struct Tooth {
    number: u8,
    edges: [(f64, f64); 2],
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Jaw {
    Upper,
    Lower,
}

impl Jaw {
    /// Which way the roots point.
    fn direction(self) -> isize {
        if self == Self::Upper { -1 } else { 1 }
    }
}

impl Picture {
    fn shrunk(bytes: &[u8], width: usize, height: usize, factor: usize, smooth: usize) -> Self {
        let grid = Grid {
            nx: (width / factor).max(1),
            ny: (height / factor).max(1),
            nz: 1,
        };
        let mut grey = vec![0f32; grid.len()];
        for (at, value) in grey.iter_mut().enumerate() {
            let [x, y, _] = grid.place(at);
            let mut sum = 0u32;
            for row in y * factor..((y + 1) * factor).min(height) {
                let line = &bytes[row * width..(row + 1) * width];
                let to = ((x + 1) * factor).min(width);
                sum += line[x * factor..to]
                    .iter()
                    .map(|&grey| u32::from(grey))
                    .sum::<u32>();
            }
            *value = sum as f32 / (factor * factor) as f32;
        }
        blur(&mut grey, grid, smooth);
        Self { grid, grey }
    }

    fn label(&self, params: &Params) -> Vec<u8> {
        let bite = self.bite();
        // Where the teeth are is read off the same picture, whatever the threshold.
        let core = self.foreground(&bite, 1.0);
        let teeth = self.foreground(&bite, params.threshold_scale);
        let mut labels = vec![0u8; self.grid.len()];
        for jaw in [Jaw::Upper, Jaw::Lower] {
            for tooth in self.seated(jaw, &bite, &core, params.split) {
                self.paint(&tooth, jaw, &bite, &teeth, &mut labels);
            }
        }
        let average = self.grid.nx as f64 * UPPER_HALF / 8.0 * self.grid.ny as f64 * TOOTH;
        fill_pulp(&mut labels, self.grid);
        keep_largest(
            &mut labels,
            self.grid,
            (params.min_size / 1000.0 * average) as usize,
        );
        labels
    }

    /// The row of the dark line between the jaws in each column: the darkest way across.
    fn bite(&self) -> Vec<usize> {
        let Grid { nx, ny, .. } = self.grid;
        let mut soft = self.grey.clone();
        blur(&mut soft, self.grid, nx / 120);
        let (top, bottom) = (ny * 3 / 10, (ny * 7 / 10).max(ny * 3 / 10 + 1));
        let rows = bottom - top;
        let mut cost = vec![0f32; rows];
        let mut ways = vec![0i8; nx * rows];
        for x in 0..nx {
            let before = cost.clone();
            for row in 0..rows {
                let mut best = (f32::INFINITY, 0i8);
                for step in [0i8, -1, 1] {
                    let from = row as isize + isize::from(step);
                    if (0..rows as isize).contains(&from) {
                        // A slope costs a little, so that the line does not dive between teeth.
                        let reached = before[from as usize] + 6.0 * f32::from(step.unsigned_abs());
                        if reached < best.0 {
                            best = (reached, step);
                        }
                    }
                }
                let off = (row as f32 / rows as f32 - 0.5).abs();
                cost[row] = best.0 + soft[self.grid.at(x, top + row, 0)] + 25.0 * off;
                ways[x * rows + row] = best.1;
            }
        }
        let mut row = (0..rows)
            .min_by(|&a, &b| cost[a].total_cmp(&cost[b]))
            .unwrap_or(rows / 2);
        let mut bite = vec![0; nx];
        for x in (0..nx).rev() {
            bite[x] = top + row;
            row = (row as isize + isize::from(ways[x * rows + row])) as usize;
        }
        bite
    }

    /// Pixels brighter than bone, no farther from the bite than a tooth is long.
    fn foreground(&self, bite: &[usize], scale: f64) -> Vec<bool> {
        let Grid { nx, ny, .. } = self.grid;
        let reach = (ny as f64 * TOOTH) as usize;
        let mut around = self.grey.clone();
        blur(&mut around, self.grid, nx / 11);
        // Half of the slow changes are taken out: spine, vignette.
        let flat: Vec<f32> = self
            .grey
            .iter()
            .zip(&around)
            .map(|(grey, around)| grey - 0.5 * around)
            .collect();
        let near = |at: &usize| {
            let [x, y, _] = self.grid.place(*at);
            y.abs_diff(bite[x]) < reach && x > nx / 12 && x < nx - nx / 12
        };
        let cells: Vec<usize> = (0..flat.len()).filter(near).collect();
        let bright = highest_otsu(cells.iter().map(|&at| flat[at].min(150.0)), 3);
        let lowest = cells
            .iter()
            .map(|&at| flat[at])
            .fold(f32::INFINITY, f32::min);
        let threshold = lowest + (bright - lowest) * BELOW_BRIGHT * scale as f32;
        let mut teeth = vec![false; flat.len()];
        for at in cells {
            teeth[at] = flat[at] > threshold;
        }
        teeth
    }

    fn seated(&self, jaw: Jaw, bite: &[usize], core: &[bool], split: Split) -> Vec<Tooth> {
        let width = self.grid.nx as f64;
        let (widths, half, numbers) = match jaw {
            Jaw::Upper => (&UPPER_WIDTHS, UPPER_HALF, UPPER),
            Jaw::Lower => (&LOWER_WIDTHS, LOWER_HALF, LOWER),
        };
        let task = Task {
            profile: &self.profile(jaw, bite, core),
            widths,
            half_arch: half * width,
            middle: width / 2.0,
            split,
        };
        let seats = seat(&task).seats.into_iter().zip(numbers);
        seats
            .filter_map(|(taken, number)| {
                let (from, to) = taken?;
                let edges = [from, to].map(|x| (x as f64, self.lean(jaw, x, bite)));
                Some(Tooth { number, edges })
            })
            .collect()
    }

    /// Labels what is bright between the tooth's edges.
    fn paint(&self, tooth: &Tooth, jaw: Jaw, bite: &[usize], teeth: &[bool], labels: &mut [u8]) {
        let Grid { nx, ny, .. } = self.grid;
        for depth in 0..(ny as f64 * TOOTH) as isize {
            let [left, right] = tooth
                .edges
                .map(|(x, lean)| (x + lean * depth as f64).clamp(0.0, nx as f64) as usize);
            for x in left..right {
                let y = bite[x.min(nx - 1)] as isize + jaw.direction() * depth;
                if (0..ny as isize).contains(&y) && teeth[self.grid.at(x, y as usize, 0)] {
                    labels[self.grid.at(x, y as usize, 0)] = tooth.number;
                }
            }
        }
    }

    /// How much of the crowns' height is tooth, in each column.
    fn profile(&self, jaw: Jaw, bite: &[usize], teeth: &[bool]) -> Vec<f64> {
        let depth = (self.grid.ny as f64 * CROWN) as isize;
        let mut profile: Vec<f32> = (0..self.grid.nx)
            .map(|x| {
                let filled = (0..depth).filter(|step| {
                    let y = bite[x] as isize + jaw.direction() * step;
                    (0..self.grid.ny as isize).contains(&y) && teeth[self.grid.at(x, y as usize, 0)]
                });
                filled.count() as f32 / depth as f32
            })
            .collect();
        let length = profile.len();
        box_filter(&mut profile, length, 1, 1);
        // The band begins at the bite, with some gap: three quarters filled is full.
        profile
            .into_iter()
            .map(|part| (f64::from(part) / 0.72).min(1.0))
            .collect()
    }

    /// The slope of the darkest straight line from a cut towards the roots.
    fn lean(&self, jaw: Jaw, x: usize, bite: &[usize]) -> f64 {
        let Grid { nx, ny, .. } = self.grid;
        let reach = (ny as f64 * TOOTH * 0.7) as isize;
        let darkness = |slope: f64| {
            let mut sum = 0.0;
            for depth in 0..reach {
                let at = (x as f64 + slope * depth as f64).clamp(0.0, nx as f64 - 1.0) as usize;
                let y = (bite[at] as isize + jaw.direction() * depth).clamp(0, ny as isize - 1);
                sum += f64::from(self.grey[self.grid.at(at, y as usize, 0)]);
            }
            sum / reach as f64 + 12.0 * slope.abs()
        };
        (-8..=8)
            .map(|step| f64::from(step) * 0.05)
            .map(|slope| (darkness(slope), slope))
            .fold((f64::INFINITY, 0.0), |a, b| if b.0 < a.0 { b } else { a })
            .1
    }

    fn shapes(&self, labels: &[u8], factor: usize) -> Vec<Value> {
        let Grid { nx, ny, .. } = self.grid;
        let mut numbers: Vec<u8> = labels.iter().copied().filter(|&label| label > 0).collect();
        numbers.sort_unstable();
        numbers.dedup();
        let shape = |number: u8| {
            let corners = contour::trace(nx, ny, |x, y| labels[self.grid.at(x, y, 0)] == number);
            let full = |corner: usize| (corner * factor) as f64 - 0.5;
            let points: Vec<[f64; 2]> = corners
                .iter()
                .map(|&[x, y]| [full(x).max(0.0), full(y).max(0.0)])
                .collect();
            json!({
                "label": number.to_string(),
                "points": points,
                "group_id": null,
                "shape_type": "polygon",
                "flags": {},
            })
        };
        numbers.into_iter().map(shape).collect()
    }
}

/// Two passes of a box are near enough to a bell.
fn blur(values: &mut [f32], grid: Grid, radius: usize) {
    for _ in 0..2 {
        box_filter(values, grid.nx, 1, radius);
        box_filter(values, grid.ny, grid.nx, radius);
    }
}

/// Gives holes to the tooth around them: the pulp is darker than the rest.
fn fill_pulp(labels: &mut [u8], grid: Grid) {
    let empty: Vec<u8> = labels.iter().map(|&label| u8::from(label == 0)).collect();
    for hole in components(&empty, grid) {
        if hole.len() > grid.len() / 500 {
            continue;
        }
        let mut around = [0usize; 256];
        for &at in &hole {
            grid.neighbours(at, |near| around[usize::from(labels[near])] += 1);
        }
        around[0] = 0;
        let most = (1..=255u8)
            .max_by_key(|&label| around[usize::from(label)])
            .unwrap_or(0);
        // Between two teeth it is a gap, not a pulp.
        if around[usize::from(most)] * 10 > around.iter().sum::<usize>() * 9 {
            for &at in &hole {
                labels[at] = most;
            }
        }
    }
}
