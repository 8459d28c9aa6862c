//! What lies behind the teeth: jaws, sinuses, spine and air.

use super::layout::Bite;
use crate::noise::{ease, smooth};

/// Grey level without teeth at a point of the 2000 × 1200 picture.
pub fn grey(seed: u64, bite: &Bite, x: f32, y: f32) -> f32 {
    let dx = (x - bite.middle_x as f32).abs();
    let line = bite.at(f64::from(x)) as f32;
    let tissue = 26.0 + 26.0 * inside(1.0 - (dx / 930.0).powi(4) - ((y - 620.0) / 640.0).powi(6));
    let spine = 20.0 * (-(dx / 130.0).powi(2)).exp();
    let grain = 7.0 * smooth(seed, [x / 17.0, y / 17.0, 0.5])
        + 4.0 * smooth(seed ^ 1, [x / 6.0, y / 6.0, 0.5]);
    let bone = jaw_bone(dx, y, line);
    let lips = 16.0 * (-((y - line) / 20.0).powi(2)).exp();
    let haze = 9.0 * smooth(seed ^ 2, [x / 420.0, y / 330.0, 0.5]);
    tissue + spine + haze + bone * (58.0 + grain) + cortex(dx, y, line) + palate(dx, y, line)
        - cavities(dx, y, line) * 30.0
        - lips
}

fn inside(signed: f32) -> f32 {
    ease(signed * 5.0 + 0.5)
}

/// 1 in the bone of either jaw.
fn jaw_bone(dx: f32, y: f32, line: f32) -> f32 {
    let crest = ease((y - line - 75.0) / 40.0);
    let body = crest * ease((lower_border(dx) - y) / 18.0) * ease((890.0 - dx) / 30.0);
    let ramus = ease((dx - 770.0) / 50.0)
        * ease((930.0 - dx + 0.06 * (y - 300.0)) / 30.0)
        * ease((y - 260.0) / 60.0)
        * ease((lower_border(dx) - y) / 18.0);
    let maxilla = ease((line - 70.0 - y) / 40.0)
        * ease((y - line + 330.0) / 60.0)
        * ease((760.0 - dx) / 80.0);
    body.max(ramus).max(0.85 * maxilla)
}

fn lower_border(dx: f32) -> f32 {
    1065.0 - 230.0 * (dx / 900.0).powi(3)
}

/// The bright rim below the lower jaw.
fn cortex(dx: f32, y: f32, line: f32) -> f32 {
    let rim = (-((lower_border(dx) - 14.0 - y) / 11.0).powi(2)).exp() * ease((900.0 - dx) / 40.0);
    let canal_y = line + 300.0 - 120.0 * (dx / 800.0).powi(2);
    let canal = (-((y - canal_y) / 9.0).powi(2)).exp() * ease((dx - 220.0) / 80.0);
    38.0 * rim - 12.0 * canal * ease((800.0 - dx) / 60.0)
}

fn palate(dx: f32, y: f32, line: f32) -> f32 {
    let height = line - 290.0 + 25.0 * (dx / 500.0).powi(2);
    26.0 * (-((y - height) / 8.0).powi(2)).exp() * ease((640.0 - dx) / 60.0)
}

/// Nose and sinuses, filled with air.
fn cavities(dx: f32, y: f32, line: f32) -> f32 {
    let nose = inside(1.0 - ((dx - 52.0) / 48.0).powi(2) - ((y - line + 400.0) / 115.0).powi(2));
    let sinus = inside(1.0 - ((dx - 420.0) / 210.0).powi(2) - ((y - line + 385.0) / 120.0).powi(2));
    nose.max(sinus)
}
