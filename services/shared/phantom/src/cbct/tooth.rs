//! One tooth as a solid.

/// Where the crown ends, as a part of the length.
const NECK: f64 = 0.38;
/// Where the roots of a molar part, as a part of the length.
const FORK: f64 = 0.52;

pub type Vec3 = [f64; 3];

/// Lengths in millimetres, places as in [`super::layout`].
#[derive(Debug, Clone)]
pub struct Tooth {
    pub fdi: u8,
    /// Middle of the biting surface.
    pub origin: Vec3,
    /// Towards the tip of the root; of length 1, as the other two.
    pub axis: Vec3,
    /// Along the arch.
    pub along_arch: Vec3,
    /// Out of the mouth.
    pub outwards: Vec3,
    pub width: f64,
    pub depth: f64,
    pub length: f64,
    /// Middles of the roots in half widths and half depths; one in the middle for front teeth.
    pub roots: &'static [[f64; 2]],
    pub is_metal: bool,
}

pub const SINGLE: &[[f64; 2]] = &[[0.0, 0.0]];
pub const LOWER_MOLAR: &[[f64; 2]] = &[[-0.5, 0.0], [0.5, 0.0]];
pub const UPPER_MOLAR: &[[f64; 2]] = &[[-0.5, 0.38], [0.5, 0.38], [0.0, -0.5]];

#[derive(Debug, Clone, Copy)]
pub struct Inside {
    /// 0 at the biting surface, 1 at the tip of the root.
    pub along: f64,
    /// To the surface in millimetres, roughly; negative outside.
    pub depth: f64,
    /// How far from the nearest root canal, in half widths.
    pub canal: f64,
}

impl Inside {
    pub fn in_crown(self) -> bool {
        self.along < NECK
    }
}

impl Tooth {
    pub fn locate(&self, point: Vec3) -> Inside {
        let d = [0, 1, 2].map(|k| point[k] - self.origin[k]);
        let v = dot(d, self.axis);
        let along = v / self.length;
        let (half_width, half_depth) = (self.width / 2.0, self.depth / 2.0);
        let u = dot(d, self.along_arch) / half_width;
        let w = dot(d, self.outwards) / half_depth;
        let part = along.clamp(0.0, 1.0);
        let (across, canal) = if part < FORK || self.roots.len() == 1 {
            let wide = girth(part);
            ((1.0 - rounded(u, w) / wide) * wide, rounded(u, w))
        } else {
            self.in_roots(u, w, part)
        };
        let ends = (v + 0.02).min(self.length - v);
        Inside {
            along,
            depth: (across * half_width.min(half_depth)).min(ends),
            canal,
        }
    }

    fn in_roots(&self, u: f64, w: f64, part: f64) -> (f64, f64) {
        let down = (part - FORK) / (1.0 - FORK);
        let girth = 0.44 * (1.0 - 0.35 * down) * (1.0 - down.powi(4)).max(0.0).sqrt();
        let near = self
            .roots
            .iter()
            .map(|[cu, cw]| (u - cu).hypot(w - cw))
            .fold(f64::INFINITY, f64::min);
        (girth - near, near)
    }

    /// Lowest and highest corner of a box around the tooth.
    pub fn bounds(&self) -> [Vec3; 2] {
        let mut low = [f64::INFINITY; 3];
        let mut high = [f64::NEG_INFINITY; 3];
        for corner in 0..8 {
            let pick =
                |bit: usize, from: f64, to: f64| if corner >> bit & 1 == 0 { from } else { to };
            let v = pick(0, 0.0, self.length);
            let u = pick(1, -0.5, 0.5) * self.width;
            let w = pick(2, -0.5, 0.5) * self.depth;
            for k in 0..3 {
                let at = self.origin[k]
                    + v * self.axis[k]
                    + u * self.along_arch[k]
                    + w * self.outwards[k];
                low[k] = low[k].min(at);
                high[k] = high[k].max(at);
            }
        }
        [low, high]
    }
}

/// Distance from the axis of a cross-section between an ellipse and a box.
fn rounded(u: f64, w: f64) -> f64 {
    (u.abs().powf(2.6) + w.abs().powf(2.6)).powf(1.0 / 2.6)
}

fn girth(part: f64) -> f64 {
    if part < NECK {
        let t = part / NECK;
        if t < 0.4 {
            0.74 + 0.26 * (t / 0.4 * std::f64::consts::FRAC_PI_2).sin()
        } else {
            1.0 - 0.2 * ((t - 0.4) / 0.6).powi(2)
        }
    } else {
        let t = (part - NECK) / (1.0 - NECK);
        0.8 * (1.0 - 0.4 * t) * (1.0 - t.powi(4)).max(0.0).sqrt()
    }
}

fn dot(a: Vec3, b: Vec3) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}
