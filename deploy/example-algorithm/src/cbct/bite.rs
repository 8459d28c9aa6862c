//! The plane between the jaws: of all that lean a little, the one through the fewest dense cells.

pub struct Plane {
    lean_x: f64,
    lean_y: f64,
    at: f64,
}

/// Points looked at: a sample finds the same plane in a fraction of the time.
const SAMPLE: usize = 40_000;
const BIN_MM: f64 = 0.5;

impl Plane {
    pub fn between_jaws(points: &[[f64; 3]]) -> Self {
        let sample: Vec<[f64; 3]> = points
            .iter()
            .copied()
            .step_by(points.len().div_ceil(SAMPLE).max(1))
            .collect();
        let mut best = (
            f64::INFINITY,
            Self {
                lean_x: 0.0,
                lean_y: 0.0,
                at: 0.0,
            },
        );
        for lean_x in [-0.06, -0.03, 0.0, 0.03, 0.06] {
            for lean_y in (-6..=6).map(|step| f64::from(step) * 0.04) {
                let mut plane = Self {
                    lean_x,
                    lean_y,
                    at: 0.0,
                };
                let (cost, at) = plane.best_height(&sample);
                plane.at = at;
                if cost < best.0 {
                    best = (cost, plane);
                }
            }
        }
        best.1
    }

    /// Above the plane is positive.
    pub fn height(&self, [x, y, z]: [f64; 3]) -> f64 {
        z - self.lean_x * x - self.lean_y * y - self.at
    }

    /// The emptiest height with a good part of the points on either side, and how empty it is.
    fn best_height(&self, points: &[[f64; 3]]) -> (f64, f64) {
        let heights: Vec<f64> = points.iter().map(|&point| self.height(point)).collect();
        let low = heights.iter().copied().fold(f64::INFINITY, f64::min);
        let high = heights.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let mut bins = vec![0f64; ((high - low) / BIN_MM) as usize + 3];
        for height in heights {
            bins[((height - low) / BIN_MM) as usize + 1] += 1.0;
        }
        let total = points.len() as f64;
        let mut below = 0.0;
        let mut best = (f64::INFINITY, (low + high) / 2.0);
        for bin in 1..bins.len() - 1 {
            below += bins[bin] / total;
            if !(0.2..=0.8).contains(&below) {
                continue;
            }
            let cost = bins[bin] + 0.5 * (bins[bin - 1] + bins[bin + 1]);
            if cost < best.0 {
                best = (cost, low + (bin as f64 - 0.5) * BIN_MM);
            }
        }
        best
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leaning_gap_is_found() {
        let mut points = Vec::new();
        for x in 0..40 {
            for y in 0..40 {
                for z in 0..50 {
                    let height = f64::from(z) - 0.12 * f64::from(y);
                    if !(20.0..22.5).contains(&height) {
                        points.push([f64::from(x), f64::from(y), f64::from(z)]);
                    }
                }
            }
        }
        let plane = Plane::between_jaws(&points);
        assert!(plane.height([20.0, 10.0, 20.0 + 1.2]) < 0.8);
        assert!(plane.height([20.0, 30.0, 22.5 + 3.6]) > -0.8);
    }
}
