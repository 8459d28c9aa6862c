//! Where the teeth stand.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::OpgOptions;
use super::tooth::{Metal, Tooth};
use crate::anatomy::{self, Jaw, QUADRANTS, Side, Size};

/// A head in front of the camera: all that is random about it except the noise.
#[derive(Debug)]
pub struct Scene {
    pub teeth: Vec<Tooth>,
    pub bite: Bite,
    /// A screw of titanium where a tooth was: bright, and not a tooth.
    pub implants: Vec<[f64; 3]>,
}

/// The line on which the jaws meet.
#[derive(Debug, Clone, Copy)]
pub struct Bite {
    pub middle_x: f64,
    pub y: f64,
    /// How much higher the line ends at the sides than in the middle.
    pub smile: f64,
    /// Between upper and lower crowns.
    pub gap: f64,
}

impl Bite {
    pub fn at(&self, x: f64) -> f64 {
        self.y - self.smile * ((x - self.middle_x) / 700.0).powi(2)
    }
}

/// Pixels for a millimetre of tooth: the projection widens the lower molars most.
const UPPER_SCALE: f64 = 10.6;
const LOWER_SCALE: f64 = 11.7;

pub fn scene(rng: &mut ChaCha8Rng, options: &OpgOptions) -> Scene {
    let bite = Bite {
        middle_x: rng.random_range(975.0..1025.0),
        y: rng.random_range(590.0..630.0),
        smile: rng.random_range(5.0..70.0),
        gap: rng.random_range(8.0..34.0),
    };
    let child = rng.random_bool(options.mixed);
    let magnification = rng.random_range(0.94..1.04);
    let mut scene = Scene {
        teeth: Vec::new(),
        bite,
        implants: Vec::new(),
    };
    for (jaw, side) in QUADRANTS {
        let mut row = Row::new(jaw, side, bite, magnification);
        if child {
            row.mixed(rng, options, &mut scene);
        } else {
            row.grown_up(rng, options, &mut scene);
        }
    }
    scene
}

/// One quadrant, filled from the midline outwards.
struct Row {
    jaw: Jaw,
    side: Side,
    bite: Bite,
    scale: f64,
    /// How far from the midline the next tooth begins.
    reach: f64,
}

impl Row {
    fn new(jaw: Jaw, side: Side, bite: Bite, magnification: f64) -> Self {
        let scale = if jaw == Jaw::Upper {
            UPPER_SCALE
        } else {
            LOWER_SCALE
        };
        Self {
            jaw,
            side,
            bite,
            scale: scale * magnification,
            reach: 1.0,
        }
    }

    fn grown_up(&mut self, rng: &mut ChaCha8Rng, options: &OpgOptions, scene: &mut Scene) {
        for index in 0..8 {
            let size = anatomy::varied(anatomy::permanent_size(self.jaw, index), rng);
            let place = self.next_place(size, rng);
            let rarity = if index == 7 { 3.0 } else { 1.0 };
            if rng.random_bool((options.missing * rarity).min(1.0)) {
                if index < 7 && rng.random_bool((options.metal * 2.0).min(1.0)) {
                    scene.implants.push(self.implant(place));
                } else {
                    // The tooth behind has drifted into the gap, more or less.
                    self.reach -= size.width * self.scale * rng.random_range(0.0..0.6);
                }
                continue;
            }
            let fdi = anatomy::permanent(self.jaw, self.side, index);
            let mut tooth = self.tooth(fdi, size, place, rng);
            tooth.metal = metal(index, options, rng);
            scene.teeth.push(tooth);
        }
    }

    /// A child of about eight: front teeth and first molars have come, milk teeth stand between
    /// them, and what will follow waits in the bone.
    fn mixed(&mut self, rng: &mut ChaCha8Rng, options: &OpgOptions, scene: &mut Scene) {
        let incisors = rng.random_range(1..=2usize);
        for index in 0..6 {
            let is_milk = (incisors..5).contains(&index);
            let size = if is_milk {
                anatomy::deciduous_size(self.jaw, index)
            } else {
                anatomy::permanent_size(self.jaw, index)
            };
            let size = anatomy::varied(size, rng);
            let place = self.next_place(size, rng);
            let fdi = if is_milk {
                anatomy::deciduous(self.jaw, self.side, index)
            } else {
                anatomy::permanent(self.jaw, self.side, index)
            };
            if !rng.random_bool(options.missing.min(1.0)) {
                let mut tooth = self.tooth(fdi, size, place, rng);
                tooth.metal = metal(index, options, rng);
                scene.teeth.push(tooth);
            }
            if is_milk {
                scene.teeth.push(self.germ(index, size, place, rng));
            }
        }
        let size = anatomy::varied(anatomy::permanent_size(self.jaw, 6), rng);
        let place = self.next_place(size, rng);
        let fdi = anatomy::permanent(self.jaw, self.side, 6);
        let mut second_molar = self.tooth(fdi, size, place, rng);
        second_molar.grown = rng.random_range(0.5..0.7);
        self.sink(&mut second_molar, rng.random_range(25.0..60.0));
        scene.teeth.push(second_molar);
    }

    /// The permanent tooth under milk tooth `index`.
    fn germ(&self, index: usize, milk: Size, place: f64, rng: &mut ChaCha8Rng) -> Tooth {
        let size = anatomy::varied(anatomy::permanent_size(self.jaw, index), rng);
        let mut germ = self.tooth(
            anatomy::permanent(self.jaw, self.side, index),
            size,
            place,
            rng,
        );
        germ.grown = rng.random_range(0.45..0.62);
        germ.width *= 0.92;
        let depth = milk.length * self.scale * rng.random_range(0.78..0.95);
        self.sink(&mut germ, depth);
        germ
    }

    fn sink(&self, tooth: &mut Tooth, by: f64) {
        tooth.x += by * tooth.tilt.sin();
        tooth.y += by * tooth.direction * tooth.tilt.cos();
    }

    /// Distance of the next tooth's middle from the midline.
    fn next_place(&mut self, size: Size, rng: &mut ChaCha8Rng) -> f64 {
        let width = size.width * self.scale;
        // Negative: the projection lays the neighbours over each other.
        let gap = rng.random_range(-4.0..5.0);
        let place = self.reach + gap + width / 2.0;
        self.reach = place + width / 2.0;
        place
    }

    fn tooth(&self, fdi: u8, size: Size, place: f64, rng: &mut ChaCha8Rng) -> Tooth {
        let outwards = if self.side == Side::Right { -1.0 } else { 1.0 };
        let direction = if self.jaw == Jaw::Upper { -1.0 } else { 1.0 };
        let x = self.bite.middle_x + outwards * place;
        let lean = match self.jaw {
            Jaw::Upper => 0.10 * (place / 700.0),
            Jaw::Lower => 0.02 + 0.30 * (place / 760.0).powi(2),
        };
        Tooth {
            fdi,
            x,
            y: self.bite.at(x) + direction * (self.bite.gap / 2.0 + rng.random_range(-3.0..5.0)),
            direction,
            tilt: outwards * (lean + rng.random_range(-0.05..0.05)),
            width: size.width * self.scale,
            length: size.length * 10.2 * rng.random_range(0.97..1.03),
            roots: size.roots,
            bend: outwards * rng.random_range(-10.0..45.0),
            grown: 1.0,
            metal: Metal::None,
        }
    }

    fn implant(&self, place: f64) -> [f64; 3] {
        let outwards = if self.side == Side::Right { -1.0 } else { 1.0 };
        let direction = if self.jaw == Jaw::Upper { -1.0 } else { 1.0 };
        let x = self.bite.middle_x + outwards * place;
        [x, self.bite.at(x) + direction * 95.0, direction]
    }
}

fn metal(index: usize, options: &OpgOptions, rng: &mut ChaCha8Rng) -> Metal {
    // Front teeth are seldom filled with metal.
    let likely = if index < 3 {
        options.metal / 3.0
    } else {
        options.metal
    };
    if !rng.random_bool(likely.min(1.0)) {
        Metal::None
    } else if rng.random_bool(0.65) {
        Metal::Filling
    } else {
        Metal::Crown
    }
}
