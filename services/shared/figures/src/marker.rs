//! A shape for each line, so that colour is not all that tells them apart.

use std::fmt::Write;

use crate::number::tenth;

/// The outline of shape number `at` around a point, as the `d` of a path.
pub(crate) fn outline(at: usize, x: f64, y: f64, r: f64) -> String {
    match at % 6 {
        0 => circle(x, y, r),
        1 => polygon(
            x,
            y,
            r * 1.15,
            &[(-1.0, 0.0), (0.0, -1.0), (1.0, 0.0), (0.0, 1.0)],
        ),
        2 => polygon(
            x,
            y,
            r * 0.9,
            &[(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)],
        ),
        3 => polygon(x, y, r * 1.1, &[(0.0, -1.0), (1.0, 0.8), (-1.0, 0.8)]),
        4 => polygon(x, y, r * 1.1, &[(0.0, 1.0), (1.0, -0.8), (-1.0, -0.8)]),
        _ => polygon(x, y, r * 1.1, &PLUS),
    }
}

const PLUS: [(f64, f64); 12] = [
    (-0.4, -1.0),
    (0.4, -1.0),
    (0.4, -0.4),
    (1.0, -0.4),
    (1.0, 0.4),
    (0.4, 0.4),
    (0.4, 1.0),
    (-0.4, 1.0),
    (-0.4, 0.4),
    (-1.0, 0.4),
    (-1.0, -0.4),
    (-0.4, -0.4),
];

fn circle(x: f64, y: f64, r: f64) -> String {
    let (left, r, wide) = (tenth(x - r), tenth(r), tenth(2.0 * r));
    format!(
        "M{left} {}a{r} {r} 0 1 0 {wide} 0a{r} {r} 0 1 0 -{wide} 0Z",
        tenth(y)
    )
}

fn polygon(x: f64, y: f64, r: f64, corners: &[(f64, f64)]) -> String {
    let mut d = String::new();
    for (at, (dx, dy)) in corners.iter().enumerate() {
        let step = if at == 0 { 'M' } else { 'L' };
        let _ = write!(d, "{step}{} {}", tenth(x + dx * r), tenth(y + dy * r));
    }
    d.push('Z');
    d
}
