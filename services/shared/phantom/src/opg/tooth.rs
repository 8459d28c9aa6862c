//! The silhouette of one tooth, as an inequality to draw it and as a polygon to label it.

/// Where the crown ends, as a part of the length.
const NECK: f64 = 0.40;
/// Where the roots of a molar part, as a part of the root's length.
const FURCATION: f64 = 0.22;
/// Middle of each of a molar's two roots, in half widths.
const ROOT_MIDDLE: f64 = 0.55;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metal {
    None,
    Filling,
    Crown,
}

/// Lengths are in pixels of a picture 2000 wide and 1200 high.
#[derive(Debug, Clone)]
pub struct Tooth {
    pub fdi: u8,
    /// Middle of the biting edge.
    pub x: f64,
    pub y: f64,
    /// −1: the root points up (upper jaw), 1: down.
    pub direction: f64,
    /// Angle of the long axis in radians; positive leans the root to the right.
    pub tilt: f64,
    pub width: f64,
    pub length: f64,
    pub roots: u8,
    /// Sideways bend of the tip of the root.
    pub bend: f64,
    /// How much of the length has grown: below 1 in a germ.
    pub grown: f64,
    pub metal: Metal,
}

/// A place inside a tooth.
#[derive(Debug, Clone, Copy)]
pub struct Inside {
    /// Along the axis, 0 at the biting edge, 1 at the tip of a grown root.
    pub along: f64,
    /// Across, −1 to 1 at the widest.
    pub across: f64,
    /// To the nearest edge, in pixels; negative just outside.
    pub depth: f64,
}

impl Inside {
    pub fn in_crown(self) -> bool {
        self.along < NECK
    }
}

impl Tooth {
    /// Where the point lies in this tooth; the depth is negative outside.
    pub fn locate(&self, x: f64, y: f64) -> Inside {
        let (sin, cos) = self.tilt.sin_cos();
        let (dx, dy) = (x - self.x, y - self.y);
        let v = dx * sin + dy * self.direction * cos;
        let along = v / self.length;
        let u = dx * cos - dy * self.direction * sin - self.offset(along);
        let half = self.width / 2.0;
        let across = u / half;
        let (inner, outer) = span(self.roots, along.clamp(0.0, 1.0));
        let sides = (outer - across.abs()).min(if inner > 0.0 {
            across.abs() - inner
        } else {
            f64::INFINITY
        });
        let ends = v.min((self.grown - along) * self.length);
        Inside {
            along,
            across,
            depth: (sides * half).min(ends),
        }
    }

    /// The edge as a closed polygon; the last point is not the first again.
    pub fn outline(&self) -> Vec<[f64; 2]> {
        let steps = (0..=STEPS).map(|step| self.grown * step as f64 / STEPS as f64);
        let mut half: Vec<(f64, f64)> = steps
            .clone()
            .map(|along| (along, span(self.roots, along).1))
            .collect();
        // Back up along the inner side of a molar's root.
        let inner = steps.rev().map(|along| (along, span(self.roots, along).0));
        half.extend(inner.filter(|&(_, across)| across > 0.0));
        let fork = NECK + (1.0 - NECK) * FURCATION;
        if self.roots == 2 && self.grown > fork {
            half.push((fork, 0.0));
        }
        let right = half
            .iter()
            .rev()
            .map(|&(along, across)| self.place(along, across));
        half.iter()
            .map(|&(along, across)| self.place(along, -across))
            .chain(right)
            .collect()
    }

    /// The box around [`Tooth::outline`]: left, top, right, bottom.
    pub fn bounds(&self) -> [f64; 4] {
        let outline = self.outline();
        let fold = |k: usize, pick: fn(f64, f64) -> f64, start: f64| {
            outline.iter().map(|point| point[k]).fold(start, pick)
        };
        [
            fold(0, f64::min, f64::INFINITY),
            fold(1, f64::min, f64::INFINITY),
            fold(0, f64::max, f64::NEG_INFINITY),
            fold(1, f64::max, f64::NEG_INFINITY),
        ]
    }

    fn place(&self, along: f64, across: f64) -> [f64; 2] {
        let (sin, cos) = self.tilt.sin_cos();
        let u = across * self.width / 2.0 + self.offset(along);
        let v = along * self.length;
        [
            self.x + u * cos + v * sin,
            self.y - u * self.direction * sin + v * self.direction * cos,
        ]
    }

    fn offset(&self, along: f64) -> f64 {
        self.bend * (along - NECK).max(0.0).powi(2)
    }
}

const STEPS: usize = 28;

/// From where to where (in half widths, on either side of the axis) a tooth reaches.
fn span(roots: u8, along: f64) -> (f64, f64) {
    if along < NECK {
        return (0.0, crown(along / NECK));
    }
    let root = (along - NECK) / (1.0 - NECK);
    if roots < 2 || root <= FURCATION {
        let whole = if roots < 2 { taper(root) } else { 0.82 };
        return (0.0, whole);
    }
    let part = (root - FURCATION) / (1.0 - FURCATION);
    let half = 0.27 * (1.0 - part.powf(2.4)).max(0.0).sqrt();
    // The fork opens over the first tenth of the roots.
    let opening = (part / 0.12).min(1.0).sqrt();
    ((ROOT_MIDDLE - half) * opening, ROOT_MIDDLE + half)
}

/// Widest at the contact with the neighbours, at two fifths of the crown.
fn crown(part: f64) -> f64 {
    if part < 0.4 {
        0.76 + 0.24 * (part / 0.4 * std::f64::consts::FRAC_PI_2).sin()
    } else {
        let t = (part - 0.4) / 0.6;
        1.0 - 0.18 * t * t * (3.0 - 2.0 * t)
    }
}

fn taper(root: f64) -> f64 {
    0.82 * (1.0 - 0.42 * root) * (1.0 - root.powi(4)).max(0.0).sqrt()
}
