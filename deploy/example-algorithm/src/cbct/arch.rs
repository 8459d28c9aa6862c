//! The curve along which the crowns of a jaw stand, seen from above.

use crate::threshold::box_filter;

const ANGLES: usize = 181;
const MIN_CROWN_CELLS: usize = 50;

/// Seen from a centre behind the front teeth: a radius for every angle, from the patient's right
/// (high x) round the front to the left.
pub struct Arch {
    points: Vec<[f64; 2]>,
    /// Length of the curve up to each point.
    lengths: Vec<f64>,
    middle: f64,
}

impl Arch {
    /// `None` if there is too little to put a curve through.
    pub fn through(crowns: &[[f64; 3]]) -> Option<Self> {
        if crowns.len() < MIN_CROWN_CELLS {
            return None;
        }
        let right = quantile(crowns, 0, 0.99);
        let left = quantile(crowns, 0, 0.01);
        let front = quantile(crowns, 1, 0.01);
        let back = quantile(crowns, 1, 0.97);
        let centre = [(left + right) / 2.0, front + 0.85 * (back - front)];

        let mut radii: Vec<Vec<f64>> = vec![Vec::new(); ANGLES];
        for &[x, y, _] in crowns {
            // 0 at the right, a half turn at the left; what lies behind the centre joins the ends.
            let (dx, dy) = (x - centre[0], (centre[1] - y).max(0.0));
            let angle = dy.atan2(dx) / std::f64::consts::PI;
            if y < centre[1] + 1.0 {
                radii[(angle * (ANGLES - 1) as f64).round() as usize].push(dx.hypot(dy));
            }
        }
        let medians: Vec<Option<f64>> = radii.into_iter().map(median).collect();
        let mut radius = interpolated(&medians)?;
        for _ in 0..2 {
            box_filter(&mut radius, ANGLES, 1, 5);
        }
        Some(Self::from_radii(centre, &radius, (back - front).max(10.0)))
    }

    fn from_radii(centre: [f64; 2], radius: &[f32], depth: f64) -> Self {
        let turn = |k: usize| k as f64 / (ANGLES - 1) as f64 * std::f64::consts::PI;
        let mut points: Vec<[f64; 2]> = (0..ANGLES)
            .map(|k| {
                let (sin, cos) = turn(k).sin_cos();
                let radius = f64::from(radius[k]);
                [centre[0] + radius * cos, centre[1] - radius * sin]
            })
            .collect();
        // Straight on backwards, for wisdom teeth behind the centre.
        let behind = |from: [f64; 2], k: usize| [from[0], from[1] + k as f64 * depth / 40.0];
        let (first, last) = (points[0], points[ANGLES - 1]);
        points.splice(0..0, (1..=20).rev().map(|k| behind(first, k)));
        points.extend((1..=20).map(|k| behind(last, k)));
        let mut lengths = vec![0.0];
        for pair in points.windows(2) {
            let step = (pair[1][0] - pair[0][0]).hypot(pair[1][1] - pair[0][1]);
            lengths.push(lengths[lengths.len() - 1] + step);
        }
        let mut arch = Self {
            points,
            lengths,
            middle: 0.0,
        };
        let front = arch
            .points
            .iter()
            .map(|point| point[1])
            .fold(f64::INFINITY, f64::min);
        arch.middle = arch.along(centre[0], front);
        arch
    }

    pub fn length(&self) -> f64 {
        self.lengths[self.lengths.len() - 1]
    }

    /// Where the front teeth of both sides meet, by symmetry.
    pub fn middle(&self) -> f64 {
        self.middle
    }

    /// How far along the curve its nearest point lies.
    pub fn along(&self, x: f64, y: f64) -> f64 {
        let mut best = (f64::INFINITY, 0.0);
        for (k, pair) in self.points.windows(2).enumerate() {
            let (dx, dy) = (pair[1][0] - pair[0][0], pair[1][1] - pair[0][1]);
            let (px, py) = (x - pair[0][0], y - pair[0][1]);
            let square = (dx * dx + dy * dy).max(1e-12);
            let part = ((px * dx + py * dy) / square).clamp(0.0, 1.0);
            let (ex, ey) = (px - part * dx, py - part * dy);
            let far = ex * ex + ey * ey;
            if far < best.0 {
                best = (
                    far,
                    self.lengths[k] + part * (self.lengths[k + 1] - self.lengths[k]),
                );
            }
        }
        best.1
    }
}

fn quantile(points: &[[f64; 3]], axis: usize, part: f64) -> f64 {
    let mut values: Vec<f64> = points.iter().map(|point| point[axis]).collect();
    let rank = ((values.len() - 1) as f64 * part) as usize;
    *values.select_nth_unstable_by(rank, f64::total_cmp).1
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    if values.is_empty() {
        return None;
    }
    let rank = values.len() / 2;
    Some(*values.select_nth_unstable_by(rank, f64::total_cmp).1)
}

/// Missing values between their neighbours, or like the nearest at the ends.
fn interpolated(values: &[Option<f64>]) -> Option<Vec<f32>> {
    let known: Vec<(usize, f64)> = values
        .iter()
        .enumerate()
        .filter_map(|(k, value)| Some((k, (*value)?)))
        .collect();
    let (first, last) = (*known.first()?, *known.last()?);
    Some(
        (0..values.len())
            .map(|k| {
                let after = known.partition_point(|&(at, _)| at < k);
                let (low, high) = match after {
                    0 => (first, first),
                    after if after == known.len() => (last, last),
                    after => (known[after - 1], known[after]),
                };
                let gap = (high.0 - low.0).max(1) as f64;
                let part = (k.saturating_sub(low.0) as f64 / gap).min(1.0);
                (low.1 + part * (high.1 - low.1)) as f32
            })
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_half_circle_is_measured_from_right_to_left() {
        let crowns: Vec<[f64; 3]> = (0..=2000)
            .map(|k| {
                let angle = f64::from(k) / 2000.0 * std::f64::consts::PI;
                [50.0 + 30.0 * angle.cos(), 40.0 - 30.0 * angle.sin(), 0.0]
            })
            .collect();
        let arch = Arch::through(&crowns).unwrap();
        let (right, left) = (arch.along(80.0, 38.0), arch.along(20.0, 38.0));
        assert!(right < arch.middle() && arch.middle() < left);
        assert!((left - right - 90.0).abs() < 6.0, "{}", left - right);
        assert!(((left + right) / 2.0 - arch.middle()).abs() < 1.0);
    }
}
