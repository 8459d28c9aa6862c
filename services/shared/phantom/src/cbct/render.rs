//! From a scene to voxels.

use rayon::prelude::*;

use super::CbctOptions;
use super::layout::{Arch, Scene};
use super::tooth::{Inside, Tooth, Vec3};
use crate::noise::{ease, gaussian, smooth};

const AIR: f32 = 60.0;
const SOFT: f32 = 900.0;
const SPONGY: f32 = 1250.0;
const CORTICAL: f32 = 1750.0;
const DENTINE: f32 = 2150.0;
const ENAMEL: f32 = 2900.0;
const PULP: f32 = 1150.0;
const METAL: f32 = 4095.0;

/// Half the thickness of the bone that carries the teeth.
const BONE_MM: f32 = 7.0;
/// Where along the arch the ascending branch of the lower jaw begins and how far it goes.
const BEHIND_MM: f64 = 66.0;
const BRANCH_MM: f64 = 26.0;

/// What depends on x and y only.
struct Ground {
    head: Vec<f32>,
    upper: Vec<f32>,
    lower: Vec<f32>,
    spine: Vec<f32>,
    /// The hollow of the mouth.
    mouth: Vec<f32>,
    /// Farther along the arch than the last tooth.
    behind: Vec<bool>,
}

pub fn render(scene: &Scene, seed: u64, options: &CbctOptions) -> (Vec<u16>, Vec<u8>) {
    let [nx, ny, nz] = options.dims;
    let ground = Ground::new(scene, options);
    let boxed: Vec<_> = scene
        .teeth
        .iter()
        .map(|tooth| (tooth, tooth.bounds()))
        .collect();
    let mut grey = vec![0u16; nx * ny * nz];
    let mut labels = vec![0u8; nx * ny * nz];
    grey.par_chunks_mut(nx * ny)
        .zip(labels.par_chunks_mut(nx * ny))
        .enumerate()
        .for_each(|(slice, (grey, labels))| {
            let z = (slice as f64 + 0.5) * options.spacing_mm - scene.origin[2];
            let mut canvas = ground.slice(seed, z as f32, options);
            draw_teeth(&boxed, z, scene.origin, options, &mut canvas, labels);
            streaks(scene, z, seed, options, &mut canvas);
            let first = (slice * nx * ny) as u64;
            for (at, (voxel, value)) in grey.iter_mut().zip(canvas).enumerate() {
                let noisy = value + options.noise * gaussian(seed, first + at as u64);
                // Coarse steps well below the noise: finer ones would only be more to compress.
                *voxel = ((noisy / 64.0).round() * 64.0).clamp(0.0, METAL) as u16;
            }
        });
    (grey, labels)
}

impl Ground {
    fn new(scene: &Scene, options: &CbctOptions) -> Self {
        let [nx, ny, _] = options.dims;
        let points: Vec<[f64; 2]> = (0..nx * ny)
            .map(|at| place(at, nx, scene.origin, options.spacing_mm))
            .collect();
        let far = |arch: &Arch| {
            points
                .par_iter()
                .map(|&[x, y]| arch.nearest(x, y))
                .collect::<Vec<(f64, f64)>>()
        };
        let (upper, lower) = (far(&scene.upper), far(&scene.lower));
        Self {
            head: points
                .iter()
                .map(|&[x, y]| ease((1.0 - head(x, y)) as f32 * 12.0))
                .collect(),
            spine: points
                .iter()
                .map(|&[x, y]| ease((11.0 - (x).hypot(y - 76.0)) as f32 / 2.0 + 0.5))
                .collect(),
            mouth: points
                .iter()
                .map(|&[x, y]| ease((1.0 - (x / 19.0).hypot((y - 32.0) / 24.0)) as f32 * 4.0))
                .collect(),
            behind: lower.iter().map(|&(_, along)| along > BEHIND_MM).collect(),
            upper: upper
                .into_iter()
                .map(|(distance, _)| distance as f32)
                .collect(),
            lower: lower
                .into_iter()
                .map(|(distance, along)| distance.max(along - BEHIND_MM - BRANCH_MM) as f32)
                .collect(),
        }
    }

    fn slice(&self, seed: u64, z: f32, options: &CbctOptions) -> Vec<f32> {
        let spacing = options.spacing_mm as f32;
        let nx = options.dims[0];
        let rim_low = ease((z + 34.0) / 2.0) * ease((-8.5 - z) / 2.0);
        let rim_high = ease((z - 8.5) / 2.0) * ease((31.0 - z) / 2.0);
        let ramus = ease((z + 30.0) / 2.0) * ease((28.0 - z) / 2.0);
        let breath = ease((z - 3.0) / 2.0) * ease((10.0 - z) / 2.0);
        let vertebra = 0.6 + 0.4 * (z / 17.0 * std::f32::consts::TAU).cos();
        (0..self.head.len())
            .map(|at| {
                let (x, y) = ((at % nx) as f32 * spacing, (at / nx) as f32 * spacing);
                let mut value = AIR + (SOFT - AIR) * self.head[at];
                // Breath between tongue and palate.
                if self.mouth[at] > 0.0 {
                    value += (AIR - value) * self.mouth[at] * breath;
                }
                let low = if self.behind[at] { ramus } else { rim_low };
                let thin = if self.behind[at] { 3.0 } else { 0.0 };
                let depth_low = (BONE_MM - thin - self.lower[at]).min((low - 0.5) * 8.0);
                let high = if self.behind[at] { 0.0 } else { rim_high };
                let depth_high = (BONE_MM - self.upper[at]).min((high - 0.5) * 8.0);
                let mut depth = depth_low.max(depth_high);
                if depth > -2.0 {
                    depth += 1.4 * smooth(seed ^ 7, [x / 8.0, y / 8.0, z / 8.0]);
                }
                if depth > -0.5 {
                    let covered = ease(depth / spacing + 0.5);
                    value += covered * (bone(seed, depth, [x, y, z]) - value);
                }
                value + self.spine[at] * vertebra * (CORTICAL - 250.0 - value)
            })
            .collect()
    }
}

/// Cortical at the surface, a sponge of trabeculae inside.
fn bone(seed: u64, depth: f32, at: [f32; 3]) -> f32 {
    let sponge = SPONGY + 190.0 * smooth(seed, at.map(|value| value / 1.3));
    sponge + (CORTICAL - sponge) * ease((2.2 - depth) / 0.8)
}

/// Below 1 inside the head.
fn head(x: f64, y: f64) -> f64 {
    (x / 52.0).powi(2) + ((y - 50.0) / 62.0).powi(2)
}

fn place(at: usize, nx: usize, origin: Vec3, spacing: f64) -> [f64; 2] {
    [
        ((at % nx) as f64 + 0.5) * spacing - origin[0],
        ((at / nx) as f64 + 0.5) * spacing - origin[1],
    ]
}

fn draw_teeth(
    teeth: &[(&Tooth, [Vec3; 2])],
    z: f64,
    origin: Vec3,
    options: &CbctOptions,
    canvas: &mut [f32],
    labels: &mut [u8],
) {
    let [nx, ny, _] = options.dims;
    let spacing = options.spacing_mm;
    let mut deepest = vec![0f32; canvas.len()];
    for (tooth, [low, high]) in teeth {
        if z < low[2] - 1.0 || z > high[2] + 1.0 {
            continue;
        }
        let range = |k: usize, side: usize| {
            let from = ((low[k] - 1.0 + origin[k]) / spacing).max(0.0) as usize;
            from..(((high[k] + 1.0 + origin[k]) / spacing).max(0.0) as usize + 1).min(side)
        };
        for row in range(1, ny) {
            for column in range(0, nx) {
                let at = row * nx + column;
                let [x, y] = place(at, nx, origin, spacing);
                let inside = tooth.locate([x, y, z]);
                if inside.depth > -0.8 {
                    canvas[at] = tissue(canvas[at], tooth, inside, spacing as f32);
                }
                if inside.depth as f32 > deepest[at] {
                    deepest[at] = inside.depth as f32;
                    labels[at] = tooth.fdi;
                }
            }
        }
    }
}

fn tissue(behind: f32, tooth: &Tooth, inside: Inside, spacing: f32) -> f32 {
    let depth = inside.depth as f32;
    let covered = ease(depth / spacing + 0.5);
    let along = inside.along as f32;
    let mut value = DENTINE;
    if inside.in_crown() {
        value += (ENAMEL - DENTINE) * ease((1.5 - depth) / 0.5) * ease((0.36 - along) / 0.06);
    }
    let pulp = ease((along - 0.22) / 0.06) * ease((0.88 - along) / 0.1);
    value += (PULP - value) * pulp * ease((0.16 - inside.canal as f32) / 0.06);
    if tooth.is_metal && inside.along < 0.3 {
        value = METAL;
    }
    // The ligament is darker than bone and thinner than a voxel.
    let seam = if inside.in_crown() {
        0.0
    } else {
        250.0 * (1.0 - (depth / 0.3 + 1.0).abs())
    };
    (behind - seam.max(0.0)) * (1.0 - covered) + value * covered
}

/// Rays of too much and too little from every metal crown in the slice.
fn streaks(scene: &Scene, z: f64, seed: u64, options: &CbctOptions, canvas: &mut [f32]) {
    let nx = options.dims[0];
    for tooth in scene.teeth.iter().filter(|tooth| tooth.is_metal) {
        let middle = [0, 1, 2].map(|k| tooth.origin[k] + 0.15 * tooth.length * tooth.axis[k]);
        let near = (1.0 - ((z - middle[2]).abs() / (0.2 * tooth.length)).powi(2)) as f32;
        if near <= 0.0 {
            continue;
        }
        for (at, value) in canvas.iter_mut().enumerate() {
            let [x, y] = place(at, nx, scene.origin, options.spacing_mm);
            let (dx, dy) = ((x - middle[0]) as f32, (y - middle[1]) as f32);
            let far = dx.hypot(dy);
            if (far as f64) < tooth.width / 2.0 || far > 60.0 {
                continue;
            }
            let angle = dy.atan2(dx);
            let rays = smooth(
                seed ^ u64::from(tooth.fdi),
                [angle * 6.0, z as f32 / 2.0, 0.5],
            );
            *value += 900.0 * near * rays * (-far / 16.0).exp();
        }
    }
}
