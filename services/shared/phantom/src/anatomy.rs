//! Which teeth there are and how large they are, in millimetres.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// Averages of a grown-up's tooth; a drawn tooth varies around them.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// Along the arch.
    pub width: f64,
    /// Across the arch.
    pub depth: f64,
    /// From the biting edge to the tip of the root.
    pub length: f64,
    pub roots: u8,
}

const fn size(width: f64, depth: f64, length: f64, roots: u8) -> Size {
    Size {
        width,
        depth,
        length,
        roots,
    }
}

/// Index 0 is the central incisor, index 7 the wisdom tooth.
const UPPER: [Size; 8] = [
    size(8.6, 7.1, 23.4, 1),
    size(6.7, 6.2, 22.2, 1),
    size(7.7, 8.1, 26.3, 1),
    size(7.2, 9.1, 21.9, 1),
    size(6.8, 9.0, 21.6, 1),
    size(10.3, 11.2, 20.4, 2),
    size(9.7, 10.9, 19.8, 2),
    size(8.8, 10.1, 18.2, 2),
];

const LOWER: [Size; 8] = [
    size(5.4, 6.1, 20.9, 1),
    size(5.9, 6.5, 22.1, 1),
    size(6.9, 7.8, 25.4, 1),
    size(7.1, 7.8, 22.3, 1),
    size(7.2, 8.2, 22.6, 1),
    size(11.3, 10.3, 21.2, 2),
    size(10.8, 10.1, 20.3, 2),
    size(10.4, 9.6, 18.4, 2),
];

/// Milk teeth, central incisor to second molar.
const MILK_UPPER: [Size; 5] = [
    size(6.6, 5.1, 16.0, 1),
    size(5.2, 4.8, 15.6, 1),
    size(6.9, 6.8, 18.6, 1),
    size(7.2, 8.4, 15.3, 2),
    size(8.3, 9.6, 16.9, 2),
];

const MILK_LOWER: [Size; 5] = [
    size(4.3, 4.1, 14.2, 1),
    size(4.8, 4.3, 15.1, 1),
    size(5.9, 5.1, 17.2, 1),
    size(7.8, 7.1, 15.6, 2),
    size(9.8, 8.6, 18.4, 2),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Jaw {
    Upper,
    Lower,
}

/// The patient's side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Right,
    Left,
}

pub const QUADRANTS: [(Jaw, Side); 4] = [
    (Jaw::Upper, Side::Right),
    (Jaw::Upper, Side::Left),
    (Jaw::Lower, Side::Left),
    (Jaw::Lower, Side::Right),
];

/// The FDI number of the permanent tooth `index` places (0 to 7) from the midline.
pub fn permanent(jaw: Jaw, side: Side, index: usize) -> u8 {
    quadrant(jaw, side) * 10 + index as u8 + 1
}

/// The FDI number of the milk tooth `index` places (0 to 4) from the midline.
pub fn deciduous(jaw: Jaw, side: Side, index: usize) -> u8 {
    (quadrant(jaw, side) + 4) * 10 + index as u8 + 1
}

pub fn permanent_size(jaw: Jaw, index: usize) -> Size {
    match jaw {
        Jaw::Upper => UPPER[index],
        Jaw::Lower => LOWER[index],
    }
}

pub fn deciduous_size(jaw: Jaw, index: usize) -> Size {
    match jaw {
        Jaw::Upper => MILK_UPPER[index],
        Jaw::Lower => MILK_LOWER[index],
    }
}

/// `size` as one particular person has it.
pub fn varied(size: Size, rng: &mut ChaCha8Rng) -> Size {
    Size {
        width: size.width * rng.random_range(0.94..1.06),
        depth: size.depth * rng.random_range(0.94..1.06),
        length: size.length * rng.random_range(0.90..1.08),
        roots: size.roots,
    }
}

fn quadrant(jaw: Jaw, side: Side) -> u8 {
    match (jaw, side) {
        (Jaw::Upper, Side::Right) => 1,
        (Jaw::Upper, Side::Left) => 2,
        (Jaw::Lower, Side::Left) => 3,
        (Jaw::Lower, Side::Right) => 4,
    }
}
