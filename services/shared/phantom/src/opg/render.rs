//! From a scene to grey levels.

use rayon::prelude::*;

use super::OpgOptions;
use super::background;
use super::layout::Scene;
use super::tooth::{Inside, Metal, Tooth};
use crate::noise::{ease, gaussian};

/// Pixels of the picture per unit of the scene.
pub fn scale(options: &OpgOptions) -> (f64, f64) {
    (
        f64::from(options.width) / 2000.0,
        f64::from(options.height) / 1200.0,
    )
}

pub fn render(scene: &Scene, seed: u64, options: &OpgOptions) -> Vec<u8> {
    let width = options.width as usize;
    let (sx, sy) = scale(options);
    let boxed: Vec<_> = scene
        .teeth
        .iter()
        .map(|tooth| (tooth, tooth.bounds()))
        .collect();
    let mut canvas = vec![0f32; width * options.height as usize];
    canvas
        .par_chunks_mut(width)
        .enumerate()
        .for_each(|(row, line)| {
            let y = (row as f64 + 0.5) / sy;
            for (column, pixel) in line.iter_mut().enumerate() {
                let x = (column as f64 + 0.5) / sx;
                *pixel = background::grey(seed, &scene.bite, x as f32, y as f32);
            }
            for (tooth, bounds) in &boxed {
                draw_row(tooth, *bounds, line, y, sx);
            }
            for implant in &scene.implants {
                draw_implant(*implant, line, y, sx);
            }
        });
    let soft = blurred(&canvas, width);
    (0..soft.len() as u64)
        .into_par_iter()
        .map(|at| {
            let value = soft[at as usize] + options.noise * gaussian(seed, at);
            value.round().clamp(0.0, 255.0) as u8
        })
        .collect()
}

fn draw_row(
    tooth: &Tooth,
    [left, top, right, bottom]: [f64; 4],
    line: &mut [f32],
    y: f64,
    sx: f64,
) {
    if y < top - 6.0 || y > bottom + 6.0 {
        return;
    }
    let from = (((left - 6.0) * sx).max(0.0)) as usize;
    let to = (((right + 6.0) * sx).max(0.0) as usize).min(line.len());
    for (column, pixel) in line.iter_mut().enumerate().take(to).skip(from) {
        let x = (column as f64 + 0.5) / sx;
        let place = tooth.locate(x, y);
        *pixel = mixed(*pixel, tooth, place);
    }
}

/// X-rays add up: a tooth brightens what lies behind it, so where two overlap it is brightest.
fn mixed(behind: f32, tooth: &Tooth, place: Inside) -> f32 {
    let depth = place.depth as f32;
    if depth < -5.0 || place.along < -0.05 {
        return behind;
    }
    let covered = ease(depth / 2.0 + 0.5);
    // The ligament: a thin dark seam between root and bone.
    let seam = if place.in_crown() {
        0.0
    } else {
        11.0 * (-((depth + 2.5) / 1.8).powi(2)).exp()
    };
    let mut value = behind - seam + covered * tissue(tooth, place);
    if is_metal(tooth.metal, place) {
        value += covered * (242.0 - value);
    }
    value
}

fn tissue(tooth: &Tooth, place: Inside) -> f32 {
    let depth = place.depth as f32;
    let width = tooth.width as f32;
    let rounding = 16.0 * ease(depth / (0.3 * width));
    let mut contrast = 42.0 + rounding;
    if place.in_crown() {
        let cap = ease((0.17 * width - depth) / 6.0) * ease((0.34 - place.along as f32) / 0.1);
        contrast += 20.0 + 34.0 * cap;
    }
    let pulp_end = 0.9 * tooth.grown as f32;
    let along = place.along as f32;
    let middle = if tooth.roots == 2 && along > 0.5 {
        0.55
    } else {
        0.0
    };
    let canal = (place.across.abs() as f32 - middle).abs();
    let in_pulp = ease((along - 0.2) / 0.06) * ease((pulp_end - along) / 0.2);
    contrast - 26.0 * in_pulp * ease((0.17 - 0.09 * along - canal) / 0.07)
}

fn is_metal(metal: Metal, place: Inside) -> bool {
    match metal {
        Metal::None => false,
        Metal::Filling => place.along < 0.17 && place.across.abs() < 0.55 && place.depth > 2.0,
        Metal::Crown => place.along < 0.37,
    }
}

fn draw_implant([x, y, direction]: [f64; 3], line: &mut [f32], row: f64, sx: f64) {
    let along = (row - y) * direction;
    if !(0.0..=120.0).contains(&along) {
        return;
    }
    // Threads every nine pixels.
    let half = 17.0 - along / 20.0 + 2.5 * (along * std::f64::consts::TAU / 9.0).sin();
    let from = ((x - half) * sx).max(0.0) as usize;
    let to = (((x + half) * sx).max(0.0) as usize).min(line.len());
    for pixel in line.iter_mut().take(to).skip(from) {
        *pixel = 236.0;
    }
}

/// The detector's unsharpness: a mean over 3 × 3 pixels.
fn blurred(canvas: &[f32], width: usize) -> Vec<f32> {
    let height = canvas.len() / width;
    let mut soft = vec![0f32; canvas.len()];
    soft.par_chunks_mut(width)
        .enumerate()
        .for_each(|(row, line)| {
            let rows = [row.saturating_sub(1), row, (row + 1).min(height - 1)];
            for (column, pixel) in line.iter_mut().enumerate() {
                let columns = [
                    column.saturating_sub(1),
                    column,
                    (column + 1).min(width - 1),
                ];
                let mut sum = 0.0;
                for r in rows {
                    for c in columns {
                        sum += canvas[r * width + c];
                    }
                }
                *pixel = sum / 9.0;
            }
        });
    soft
}
