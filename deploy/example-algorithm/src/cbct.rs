//! Cone-beam scans: teeth are denser than bone, a plane parts the jaws, the arch is unrolled.
//!
//! The convention of the challenge's scans: the index x grows towards the patient's right (labels 1x
//! and 4x), y backwards, z upwards. The header is not asked: on the challenge's own demo case it says
//! the opposite of the labels for x.

mod arch;
mod bite;

use std::io::Write;
use std::path::Path;

use crate::components::{Grid, components, keep_largest};
use crate::nifti::Reader;
use crate::numbering::{LOWER, LOWER_WIDTHS, Task, UPPER, UPPER_WIDTHS, seat};
use crate::threshold::{box_filter, highest_otsu};
use crate::{Error, Params, Split};
use arch::Arch;
use bite::Plane;

/// Edge of a cell of the working grid, about.
const CELL_MM: f64 = 0.6;
/// Lengths of half an arch.
const UPPER_HALF_MM: f64 = 64.0;
const LOWER_HALF_MM: f64 = 63.0;
/// How high a crown is, and what an average tooth holds.
const CROWN_MM: f64 = 7.0;
const TOOTH_MM3: f64 = 600.0;
/// Step of the unrolled profile.
const STEP_MM: f64 = 0.4;
/// The histogram parts spongy bone from all that is denser; this much above lies cortical bone's end.
const ABOVE_BONE: f32 = 1.2;

pub fn segment(path: &Path, params: &Params) -> Result<Vec<u8>, Error> {
    let mut reader = Reader::open(path)?;
    let scan = Scan::read(&mut reader, params.smooth)?;
    let core = scan.threshold();
    let threshold = core * params.threshold_scale as f32;
    let labels = scan.label(core, threshold, params);
    scan.write(&reader, threshold, &labels)
}

/// The scan on a coarser grid.
struct Scan {
    grid: Grid,
    /// Voxels per cell along each axis.
    factor: [usize; 3],
    cell_mm: [f64; 3],
    grey: Vec<f32>,
}

impl Scan {
    fn read(reader: &mut Reader, smooth: usize) -> Result<Self, Error> {
        let full = reader.grid;
        let factor = reader
            .spacing_mm
            .map(|mm| ((CELL_MM / mm).round() as usize).clamp(1, 6));
        let grid = Grid {
            nx: full.nx.div_ceil(factor[0]),
            ny: full.ny.div_ceil(factor[1]),
            nz: full.nz.div_ceil(factor[2]),
        };
        let mut grey = vec![0f32; grid.len()];
        let mut counts = vec![0f32; grid.nx * grid.ny];
        let (mut bytes, mut values) = (Vec::new(), Vec::new());
        for z in 0..full.nz {
            reader.slice(&mut bytes, &mut values)?;
            let start = z / factor[2] * grid.nx * grid.ny;
            let cells = &mut grey[start..start + grid.nx * grid.ny];
            for (y, line) in values.chunks_exact(full.nx).enumerate() {
                let row = y / factor[1] * grid.nx;
                for (x, value) in line.iter().enumerate() {
                    cells[row + x / factor[0]] += value;
                    counts[row + x / factor[0]] += 1.0;
                }
            }
            if (z + 1) % factor[2] == 0 || z + 1 == full.nz {
                for (cell, count) in cells.iter_mut().zip(&mut counts) {
                    *cell /= *count;
                    *count = 0.0;
                }
            }
        }
        let cell_mm = [0, 1, 2].map(|k| reader.spacing_mm[k] * factor[k] as f64);
        let mut scan = Self {
            grid,
            factor,
            cell_mm,
            grey,
        };
        scan.soften(smooth);
        Ok(scan)
    }

    fn soften(&mut self, radius: usize) {
        // On a grid that is already coarse a filter would melt neighbours into one.
        let radius = if self.cell_mm[0] > 0.75 { 0 } else { radius };
        box_filter(&mut self.grey, self.grid.nx, 1, radius);
        box_filter(&mut self.grey, self.grid.ny, self.grid.nx, radius);
        box_filter(
            &mut self.grey,
            self.grid.nz,
            self.grid.nx * self.grid.ny,
            radius,
        );
    }

    /// Between bone and dentine. Air and flesh go first: they are most of the scan.
    fn threshold(&self) -> f32 {
        let flesh = highest_otsu(self.grey.iter().copied(), 2);
        let mut bright: Vec<f32> = self.grey.iter().copied().filter(|&v| v > flesh).collect();
        // Metal and the brightest enamel would draw every threshold up.
        let rank = bright.len() * 97 / 100;
        let ceiling = match bright.len() {
            0 => flesh,
            _ => *bright.select_nth_unstable_by(rank, f32::total_cmp).1,
        };
        let dense = highest_otsu(bright.iter().map(|value| value.min(ceiling)), 3);
        dense * ABOVE_BONE
    }

    /// Where the teeth are is read off what is surely dense (`core`), whatever the threshold.
    fn label(&self, core: f32, threshold: f32, params: &Params) -> Vec<u8> {
        let cell_mm3: f64 = self.cell_mm.iter().product();
        let least = ((params.min_size / 1000.0 * TOOTH_MM3 / cell_mm3) as usize).max(2);
        let mut labels = vec![0u8; self.grey.len()];
        let dense = self.dense_points(core, least);
        if dense.is_empty() {
            return labels;
        }
        let plane = Plane::between_jaws(&dense);
        let [lower, upper] =
            [false, true].map(|is_upper| Seated::find(is_upper, &plane, &dense, params.split));
        for (at, label) in labels.iter_mut().enumerate() {
            if self.grey[at] > threshold {
                let point = self.millimetres(at);
                let jaw = if plane.height(point) > 0.0 {
                    &upper
                } else {
                    &lower
                };
                *label = jaw.as_ref().map_or(0, |jaw| jaw.number(point));
            }
        }
        keep_largest(&mut labels, self.grid, least);
        labels
    }

    /// The cells above `core` that hang together with at least `least` others, in millimetres.
    fn dense_points(&self, core: f32, least: usize) -> Vec<[f64; 3]> {
        let dense: Vec<u8> = self
            .grey
            .iter()
            .map(|&value| u8::from(value > core))
            .collect();
        let mut cells: Vec<usize> = components(&dense, self.grid)
            .into_iter()
            .filter(|cells| cells.len() >= least)
            .flatten()
            .collect();
        cells.sort_unstable();
        cells.into_iter().map(|at| self.millimetres(at)).collect()
    }

    fn millimetres(&self, at: usize) -> [f64; 3] {
        let place = self.grid.place(at);
        [0, 1, 2].map(|k| place[k] as f64 * self.cell_mm[k])
    }

    /// Labels on the scan's own grid: of each labelled cell and its surroundings the voxels that,
    /// interpolated, lie above the threshold.
    fn write(&self, reader: &Reader, threshold: f32, labels: &[u8]) -> Result<Vec<u8>, Error> {
        let near = grown(labels, self.grid);
        let full = reader.grid;
        let mut gzip = reader.labels()?;
        let mut slice = vec![0u8; full.nx * full.ny];
        for z in 0..full.nz {
            slice.fill(0);
            for y in 0..full.ny {
                for x in 0..full.nx {
                    let cell =
                        self.grid
                            .at(x / self.factor[0], y / self.factor[1], z / self.factor[2]);
                    if near[cell] > 0 && self.interpolated([x, y, z]) > threshold {
                        slice[y * full.nx + x] = near[cell];
                    }
                }
            }
            gzip.write_all(&slice)?;
        }
        Ok(gzip.finish()?)
    }

    fn interpolated(&self, voxel: [usize; 3]) -> f32 {
        let sides = [self.grid.nx, self.grid.ny, self.grid.nz];
        let mut low = [0usize; 3];
        let mut part = [0f32; 3];
        for k in 0..3 {
            let at = (voxel[k] as f32 + 0.5) / self.factor[k] as f32 - 0.5;
            let at = at.clamp(0.0, sides[k] as f32 - 1.001);
            low[k] = at as usize;
            part[k] = at - low[k] as f32;
        }
        let grey = |dx, dy, dz| self.grey[self.grid.at(low[0] + dx, low[1] + dy, low[2] + dz)];
        let line = |dy, dz| grey(0, dy, dz) + part[0] * (grey(1, dy, dz) - grey(0, dy, dz));
        let plane = |dz| line(0, dz) + part[1] * (line(1, dz) - line(0, dz));
        plane(0) + part[2] * (plane(1) - plane(0))
    }
}

/// The teeth of one jaw: an arch and who sits where on it.
struct Seated {
    arch: Arch,
    /// The tooth at each step along the arch, or 0.
    numbers: Vec<u8>,
}

impl Seated {
    fn find(is_upper: bool, plane: &Plane, dense: &[[f64; 3]], split: Split) -> Option<Self> {
        let crowns: Vec<[f64; 3]> = dense
            .iter()
            .copied()
            .filter(|&point| {
                let height = plane.height(point);
                (height > 0.0) == is_upper && height.abs() < CROWN_MM
            })
            .collect();
        let arch = Arch::through(&crowns)?;
        let mut filled = vec![0f64; (arch.length() / STEP_MM) as usize + 1];
        for &[x, y, _] in &crowns {
            filled[(arch.along(x, y) / STEP_MM) as usize] += 1.0;
        }
        let (widths, half_mm, order) = match is_upper {
            true => (&UPPER_WIDTHS, UPPER_HALF_MM, UPPER),
            false => (&LOWER_WIDTHS, LOWER_HALF_MM, LOWER),
        };
        let task = Task {
            profile: &profile(&filled),
            widths,
            half_arch: half_mm / STEP_MM,
            middle: arch.middle() / STEP_MM,
            split,
        };
        let mut numbers = vec![0u8; filled.len()];
        for (taken, number) in seat(&task).seats.into_iter().zip(order) {
            if let Some((from, to)) = taken {
                numbers[from..to].fill(number);
            }
        }
        Some(Self { arch, numbers })
    }

    fn number(&self, [x, y, _]: [f64; 3]) -> u8 {
        self.numbers[(self.arch.along(x, y) / STEP_MM) as usize]
    }
}

/// Smoothed and scaled so that a tooth comes near 1.
fn profile(filled: &[f64]) -> Vec<f64> {
    let mut smooth: Vec<f32> = filled.iter().map(|&count| count as f32).collect();
    let length = smooth.len();
    box_filter(&mut smooth, length, 1, 1);
    let mut present: Vec<f32> = smooth
        .iter()
        .copied()
        .filter(|&count| count > 0.0)
        .collect();
    present.sort_by(f32::total_cmp);
    let high = present.get(present.len() * 6 / 10).copied().unwrap_or(1.0);
    smooth
        .into_iter()
        .map(|count| f64::from((count / high).min(1.0)))
        .collect()
}

/// The labels, and one more layer of cells around them: where the surface may still pass.
fn grown(labels: &[u8], grid: Grid) -> Vec<u8> {
    let mut grown = labels.to_vec();
    for at in (0..labels.len()).filter(|&at| labels[at] > 0) {
        grid.neighbours(at, |near| {
            if grown[near] == 0 {
                grown[near] = labels[at];
            }
        });
    }
    grown
}
