//! Colours that are told apart on black, by the colour-blind as well.

use image::Rgb;
use molar_volumes::Label;

use crate::joint::Class;

pub type Colour = Rgb<u8>;

pub const BLACK: Colour = Rgb([0, 0, 0]);
pub const PAPER: Colour = Rgb([0x16, 0x19, 0x1b]);
pub const LINE: Colour = Rgb([0x3a, 0x40, 0x43]);
pub const INK: Colour = Rgb([0xf2, 0xf2, 0xee]);
pub const QUIET: Colour = Rgb([0xa3, 0xab, 0xae]);

/// After Okabe and Ito (2008), blue a little lighter and black left out for grey; in an order that
/// keeps those beside each other far apart.
const LABELS: [Colour; 8] = [
    Rgb([0xe6, 0x9f, 0x00]),
    Rgb([0x00, 0x9e, 0x73]),
    Rgb([0xd5, 0x5e, 0x00]),
    Rgb([0xcc, 0x79, 0xa7]),
    Rgb([0xf0, 0xe4, 0x42]),
    Rgb([0x56, 0xb4, 0xe9]),
    Rgb([0xdd, 0xdd, 0xdd]),
    Rgb([0x3d, 0x7b, 0xd9]),
];

pub fn of_class(class: Class) -> Colour {
    match class {
        Class::Right => Rgb([0x6e, 0x6e, 0x6e]),
        Class::Missed => Rgb([0x56, 0xb4, 0xe9]),
        Class::Invented => Rgb([0xd5, 0x5e, 0x00]),
        Class::Wrong => Rgb([0xf0, 0xe4, 0x42]),
    }
}

/// Teeth that touch differ: those beside each other, across the midline, of the other jaw, and the
/// permanent beneath a deciduous one.
pub fn of_label(label: &Label) -> Colour {
    let number = label.number().unwrap_or_else(|| sum_of(label));
    let (quadrant, place) = (number.div_euclid(10), number.rem_euclid(10));
    // Quadrants lie two colours apart, so that 11, 12 differ from 21, 41, and deciduous ones four.
    let offset = match quadrant {
        5..=8 => 2 * quadrant + 2,
        _ => quadrant.wrapping_mul(2) - 2,
    };
    // Unwrap safety (of the cast): a remainder below 8.
    LABELS[(i64::from(place) + i64::from(offset)).rem_euclid(8) as usize]
}

fn sum_of(label: &Label) -> i32 {
    label.to_string().bytes().map(i32::from).sum()
}

/// `share` of the way from one colour to the other.
pub fn mix(from: Colour, to: Colour, share: f64) -> Colour {
    let channel = |at: usize| {
        let (from, to) = (f64::from(from.0[at]), f64::from(to.0[at]));
        // Unwrap safety (of the cast): between two bytes.
        (from + (to - from) * share).round() as u8
    };
    Rgb([channel(0), channel(1), channel(2)])
}

#[cfg(test)]
mod tests {
    use super::*;

    type Matrix = [[f64; 3]; 3];

    /// Machado, Oliveira and Fernandes (2009) at severity 1, on linear RGB.
    const SIGHTS: [Matrix; 4] = [
        [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ],
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ],
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ],
    ];

    fn times(matrix: &Matrix, v: [f64; 3]) -> [f64; 3] {
        matrix.map(|row| row.iter().zip(v).map(|(a, b)| a * b).sum())
    }

    /// CIE L*a*b* of a colour as it is seen.
    fn lab(colour: Colour, sight: &Matrix) -> [f64; 3] {
        let linear = colour.0.map(|channel| {
            let share = f64::from(channel) / 255.0;
            match share <= 0.04045 {
                true => share / 12.92,
                false => ((share + 0.055) / 1.055).powf(2.4),
            }
        });
        let seen = times(sight, linear).map(|channel| channel.clamp(0.0, 1.0));
        let xyz = times(
            &[
                [0.4124 / 0.9505, 0.3576 / 0.9505, 0.1805 / 0.9505],
                [0.2126, 0.7152, 0.0722],
                [0.0193 / 1.089, 0.1192 / 1.089, 0.9505 / 1.089],
            ],
            seen,
        );
        let [x, y, z] = xyz.map(|t| match t > 0.008856 {
            true => t.cbrt(),
            false => 7.787 * t + 16.0 / 116.0,
        });
        [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
    }

    /// To whoever tells the two apart least.
    fn distance(a: Colour, b: Colour) -> f64 {
        let seen = SIGHTS.iter().map(|sight| {
            let (a, b) = (lab(a, sight), lab(b, sight));
            let squares = a.iter().zip(b).map(|(a, b)| (a - b).powi(2));
            squares.sum::<f64>().sqrt()
        });
        seen.fold(f64::INFINITY, f64::min)
    }

    fn tooth(number: i32) -> Colour {
        of_label(&Label::Value(number))
    }

    #[test]
    fn neighbours_in_a_row_are_far_apart_to_everybody() {
        for quadrant in 1..=8 {
            let teeth = if quadrant <= 4 { 8 } else { 5 };
            for place in 1..teeth {
                let (a, b) = (quadrant * 10 + place, quadrant * 10 + place + 1);
                let distance = distance(tooth(a), tooth(b));
                assert!(distance > 30.0, "{a} and {b}: {distance}");
            }
        }
    }

    #[test]
    fn teeth_that_may_touch_have_different_colours() {
        let meeting = [
            (1, 2),
            (3, 4),
            (5, 6),
            (7, 8),
            (1, 4),
            (2, 3),
            (5, 8),
            (6, 7),
        ];
        let succeeding = [(1, 5), (2, 6), (3, 7), (4, 8)];
        for (a, b) in meeting.into_iter().chain(succeeding) {
            for (place, beside) in (1..=8).flat_map(|p| [(p, p - 1), (p, p), (p, p + 1)]) {
                let (a, b) = (a * 10 + place, b * 10 + beside);
                assert!(distance(tooth(a), tooth(b)) > 15.0, "{a} and {b}");
            }
        }
    }

    #[test]
    fn every_colour_stands_out_from_black_and_classes_from_each_other() {
        let lightness = |colour| lab(colour, &SIGHTS[0])[0];
        assert!(LABELS.into_iter().all(|colour| lightness(colour) > 50.0));
        for (at, a) in Class::ALL.into_iter().enumerate() {
            for b in &Class::ALL[..at] {
                assert!(distance(of_class(a), of_class(*b)) > 30.0, "{a:?}, {b:?}");
            }
        }
    }

    #[test]
    fn any_label_has_a_colour() {
        for label in [i32::MIN, -3, 0, 200, i32::MAX] {
            tooth(label);
        }
        of_label(&Label::Text("tooth".repeat(99)));
    }
}
