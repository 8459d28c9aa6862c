//! Where the teeth stand: millimetres, x towards the patient's right, y backwards, z up; the origin
//! is where the line between the central incisors crosses the biting plane.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::CbctOptions;
use super::tooth::{LOWER_MOLAR, SINGLE, Tooth, UPPER_MOLAR, Vec3};
use crate::anatomy::{self, Jaw, QUADRANTS, Side, Size};

#[derive(Debug)]
pub struct Scene {
    pub teeth: Vec<Tooth>,
    pub upper: Arch,
    pub lower: Arch,
    /// The origin, in millimetres from the first voxel.
    pub origin: Vec3,
}

/// Half an ellipse, continued straight backwards.
#[derive(Debug, Clone)]
pub struct Arch {
    half_width: f64,
    depth: f64,
    /// Length of the quarter ellipse up to each step.
    lengths: Vec<f64>,
}

const STEPS: usize = 400;

impl Arch {
    fn new(half_width: f64, depth: f64) -> Self {
        let mut arch = Self {
            half_width,
            depth,
            lengths: vec![0.0],
        };
        for step in 1..=STEPS {
            let (from, to) = (arch.on_ellipse(step - 1), arch.on_ellipse(step));
            let reached = arch.lengths[step - 1] + (to[0] - from[0]).hypot(to[1] - from[1]);
            arch.lengths.push(reached);
        }
        arch
    }

    fn on_ellipse(&self, step: usize) -> [f64; 2] {
        let angle = step as f64 / STEPS as f64 * std::f64::consts::FRAC_PI_2;
        [
            self.half_width * angle.sin(),
            self.depth * (1.0 - angle.cos()),
        ]
    }

    /// The point `length` along the patient's right half.
    fn at(&self, length: f64) -> [f64; 2] {
        let quarter = self.lengths[STEPS];
        if length >= quarter {
            return [self.half_width, self.depth + length - quarter];
        }
        self.on_ellipse(
            self.lengths
                .partition_point(|&reached| reached < length)
                .min(STEPS),
        )
    }

    /// Distance of a point from the curve, and how far along it the nearest point is.
    pub fn nearest(&self, x: f64, y: f64) -> (f64, f64) {
        let x = x.abs();
        let mut best = (f64::INFINITY, 0.0);
        for step in (0..=STEPS).step_by(8) {
            let [cx, cy] = self.on_ellipse(step);
            let distance = (x - cx).hypot(y - cy);
            if distance < best.0 {
                best = (distance, self.lengths[step]);
            }
        }
        if y > self.depth && (x - self.half_width).abs() < best.0 {
            best = (
                (x - self.half_width).abs(),
                self.lengths[STEPS] + y - self.depth,
            );
        }
        best
    }
}

pub fn scene(rng: &mut ChaCha8Rng, options: &CbctOptions) -> Scene {
    let size = options.dims.map(|side| side as f64 * options.spacing_mm);
    let origin = [
        size[0] * 0.5 + rng.random_range(-2.0..2.0),
        size[1] * 0.17 + rng.random_range(0.0..2.0),
        size[2] * 0.48 + rng.random_range(-2.0..2.0),
    ];
    let wide = rng.random_range(0.96..1.05);
    let mut scene = Scene {
        teeth: Vec::new(),
        upper: Arch::new(27.0 * wide, 44.0 * wide),
        lower: Arch::new(25.0 * wide, 42.0 * wide),
        origin,
    };
    let gap = rng.random_range(0.4..2.2);
    let spee = rng.random_range(0.0..2.5);
    for (jaw, side) in QUADRANTS {
        let mut reach = 0.0;
        for index in 0..8 {
            let size = anatomy::varied(anatomy::permanent_size(jaw, index), rng);
            // Below 0 the neighbours' contact faces are flattened against each other.
            let place = reach + rng.random_range(-0.25..0.25) + size.width / 2.0;
            reach = place + size.width / 2.0;
            let rarity = if index == 7 { 3.0 } else { 1.0 };
            if rng.random_bool((options.missing * rarity).min(1.0)) {
                // The tooth behind has drifted into the gap, more or less.
                reach -= size.width * rng.random_range(0.0..0.7);
                continue;
            }
            let arch = if jaw == Jaw::Upper {
                &scene.upper
            } else {
                &scene.lower
            };
            let seat = Seat {
                jaw,
                side,
                index,
                place,
                gap,
                spee,
            };
            let tooth = seat.tooth(arch, size, options, rng);
            scene.teeth.push(tooth);
        }
    }
    scene
}

struct Seat {
    jaw: Jaw,
    side: Side,
    index: usize,
    place: f64,
    gap: f64,
    /// How much higher the biting surface lies at the back.
    spee: f64,
}

impl Seat {
    fn tooth(&self, arch: &Arch, size: Size, options: &CbctOptions, rng: &mut ChaCha8Rng) -> Tooth {
        let mirror = if self.side == Side::Right { 1.0 } else { -1.0 };
        let up = if self.jaw == Jaw::Upper { 1.0 } else { -1.0 };
        let [x, y] = arch.at(self.place);
        let [ahead_x, ahead_y] = arch.at(self.place + 0.5);
        let [back_x, back_y] = arch.at((self.place - 0.5).max(0.0));
        let along = unit([mirror * (ahead_x - back_x), ahead_y - back_y, 0.0]);
        let out = unit([along[1] * mirror, -along[0] * mirror, 0.0]);
        // Roots lean inwards in front, backwards at the back.
        let lean_in = if self.index < 3 { 0.22 } else { 0.06 } + rng.random_range(-0.05..0.05);
        let lean_back = 0.015 * self.index as f64 + rng.random_range(-0.05..0.05);
        let axis = unit([0, 1, 2].map(|k| {
            let upright = if k == 2 { up } else { 0.0 };
            upright - lean_in * out[k] + lean_back * along[k]
        }));
        let along_arch = unit(minus(along, axis, dot(along, axis)));
        let z = up * (self.gap / 2.0 + rng.random_range(-0.15..0.3))
            + self.spee * (y / arch.depth).powi(2);
        Tooth {
            fdi: anatomy::permanent(self.jaw, self.side, self.index),
            origin: [mirror * x, y, z],
            axis,
            along_arch,
            outwards: cross(axis, along_arch, mirror * up),
            width: size.width,
            depth: size.depth,
            length: size.length,
            roots: match (size.roots, self.jaw) {
                (1, _) => SINGLE,
                (_, Jaw::Upper) => UPPER_MOLAR,
                (_, Jaw::Lower) => LOWER_MOLAR,
            },
            is_metal: rng.random_bool(options.metal),
        }
    }
}

fn dot(a: Vec3, b: Vec3) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

fn minus(a: Vec3, b: Vec3, times: f64) -> Vec3 {
    [0, 1, 2].map(|k| a[k] - times * b[k])
}

fn unit(a: Vec3) -> Vec3 {
    let length = dot(a, a).sqrt();
    a.map(|value| value / length)
}

/// Right-handed in two of the four quadrants, left-handed in the others: `sign` says which.
fn cross(a: Vec3, b: Vec3, sign: f64) -> Vec3 {
    [
        sign * (a[1] * b[2] - a[2] * b[1]),
        sign * (a[2] * b[0] - a[0] * b[2]),
        sign * (a[0] * b[1] - a[1] * b[0]),
    ]
}
