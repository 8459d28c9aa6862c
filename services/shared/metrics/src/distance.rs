//! The exact Euclidean distance from any corner of a box to the nearest corner of a set.
//!
//! Separable: the nearest along z first, then along y and along x the lower envelope of the
//! parabolas that the distances so far make (Felzenszwalb and Huttenlocher, *Distance transforms of
//! sampled functions*, 2012). No array of the box's size is held. What is needed along z is the set
//! itself, column by column, and the rest is done plane by plane, in one plane's memory, and for the
//! rows that somebody asks for.
//!
//! Squares are summed as z² + y² + x², each the square of steps × spacing, and the least sum is taken
//! to the last bit: what scipy's `distance_transform_edt` gives, unless it finds another of several
//! corners that are equally near.

/// A set of corners, sorted by column along z.
pub(crate) struct Columns {
    extent: [usize; 3],
    /// The squares of 0, 1, 2 … steps along each axis, in mm².
    squares: [Vec<f64>; 3],
    /// One over twice the square of a step and the number of steps.
    slopes: [Vec<f64>; 3],
    /// Column `(y, x)` is `zs[starts[i]..starts[i + 1]]` with `i = x * height + y`.
    starts: Vec<u32>,
    zs: Vec<u32>,
}

impl Columns {
    /// `each` calls back with `[z, y, x]` of every corner, by ascending z, the same each time.
    pub fn new(
        extent: [usize; 3],
        spacing_mm: [f64; 3],
        each: impl Fn(&mut dyn FnMut([usize; 3])),
    ) -> Self {
        let [_, height, width] = extent;
        let mut starts = vec![0; height * width + 1];
        each(&mut |[_, y, x]| starts[x * height + y + 1] += 1);
        for column in 1..starts.len() {
            starts[column] += starts[column - 1];
        }
        let mut zs = vec![0; starts[height * width] as usize];
        let mut next = starts.clone();
        each(&mut |[z, y, x]| {
            let at = &mut next[x * height + y];
            zs[*at as usize] = z as u32;
            *at += 1;
        });

        let square = |axis: usize, steps| (steps as f64 * spacing_mm[axis]).powi(2);
        let squares = [0, 1, 2].map(|axis| (0..extent[axis]).map(|n| square(axis, n)).collect());
        let slope = |axis: usize, steps| 0.5 / (spacing_mm[axis].powi(2) * steps as f64);
        let slopes = [0, 1, 2].map(|axis| (0..extent[axis]).map(|n| slope(axis, n)).collect());
        Self {
            extent,
            squares,
            slopes,
            starts,
            zs,
        }
    }
}

/// The distances in one plane after the other, z ascending.
pub(crate) struct Sweep<'a> {
    columns: &'a Columns,
    /// In each column, the first corner that is not below the plane.
    cursors: Vec<u32>,
    /// To the nearest corner with the same x, in mm², at `x * height + y`.
    plane: Vec<f64>,
    line: Vec<f64>,
    row: Vec<f64>,
    envelope: Envelope,
}

impl<'a> Sweep<'a> {
    pub fn new(columns: &'a Columns) -> Self {
        let [_, height, width] = columns.extent;
        Self {
            columns,
            cursors: columns.starts[..height * width].to_vec(),
            plane: vec![0.0; height * width],
            line: vec![0.0; height.max(width)],
            row: vec![0.0; width],
            envelope: Envelope::default(),
        }
    }

    /// Goes to a plane, which must lie above the last one.
    pub fn go_to(&mut self, z: usize) {
        let [_, height, width] = self.columns.extent;
        for x in 0..width {
            for y in 0..height {
                self.line[y] = self.along_z(x * height + y, z as u32);
            }
            self.envelope.lower(
                &self.line[..height],
                &self.columns.squares[1],
                &self.columns.slopes[1],
                &mut self.plane[x * height..][..height],
            );
        }
    }

    /// The squared distances of row `y` of the plane, in mm²; infinite where the set is empty.
    pub fn row(&mut self, y: usize) -> &[f64] {
        let [_, height, width] = self.columns.extent;
        for x in 0..width {
            self.line[x] = self.plane[x * height + y];
        }
        let (squares, slopes) = (&self.columns.squares[2], &self.columns.slopes[2]);
        self.envelope
            .lower(&self.line[..width], squares, slopes, &mut self.row);
        &self.row
    }

    fn along_z(&mut self, column: usize, z: u32) -> f64 {
        let Columns {
            squares,
            starts,
            zs,
            ..
        } = self.columns;
        let (start, end) = (starts[column] as usize, starts[column + 1] as usize);
        let mut at = self.cursors[column] as usize;
        while at < end && zs[at] < z {
            at += 1;
        }
        self.cursors[column] = at as u32;

        let below = (at > start).then(|| z - zs[at - 1]);
        let above = (at < end).then(|| zs[at] - z);
        let steps = below.into_iter().chain(above).min();
        steps.map_or(f64::INFINITY, |steps| squares[0][steps as usize])
    }
}

/// Part of a step: parabolas that meet in one point are all kept, since any may be the lowest there
/// by rounding.
const TIE: f64 = 1e-6;

/// The parabolas that are lowest somewhere, from left to right.
#[derive(Default)]
struct Envelope {
    /// Where a parabola has its foot, and from where on it is the lowest.
    parabolas: Vec<(usize, f64)>,
}

impl Envelope {
    /// `out[i]` = least of `squares[|i - foot|] + heights[foot]` over all feet, to the last bit.
    fn lower(&mut self, heights: &[f64], squares: &[f64], slopes: &[f64], out: &mut [f64]) {
        self.parabolas.clear();
        for (foot, &height) in heights.iter().enumerate() {
            if height.is_finite() {
                self.push(foot, heights, slopes);
            }
        }
        if self.parabolas.is_empty() {
            out.fill(f64::INFINITY);
            return;
        }

        let value = |lowest: usize, at: usize| {
            let (foot, _) = *self.parabolas.get(lowest)?;
            Some(squares[at.abs_diff(foot)] + heights[foot])
        };
        let mut lowest = 0;
        for (at, out) in out.iter_mut().enumerate() {
            *out = f64::INFINITY;
            while let Some(next) = value(lowest, at).filter(|next| next <= out) {
                *out = next;
                lowest += 1;
            }
            lowest -= 1;
        }
    }

    fn push(&mut self, foot: usize, heights: &[f64], slopes: &[f64]) {
        let mut from = f64::NEG_INFINITY;
        while let Some(&(left, left_from)) = self.parabolas.last() {
            let rise = (heights[foot] - heights[left]) * slopes[foot - left];
            from = 0.5 * (foot + left) as f64 + rise;
            if from > left_from - TIE {
                break;
            }
            self.parabolas.pop();
            from = f64::NEG_INFINITY;
        }
        self.parabolas.push((foot, from));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Corner = [usize; 3];

    fn columns(extent: Corner, spacing: [f64; 3], corners: &[Corner]) -> Columns {
        Columns::new(extent, spacing, |on| corners.iter().for_each(|&at| on(at)))
    }

    fn squared([a, b]: [Corner; 2], spacing: [f64; 3]) -> f64 {
        let mm = [0, 1, 2].map(|axis| a[axis].abs_diff(b[axis]) as f64 * spacing[axis]);
        mm[0] * mm[0] + mm[1] * mm[1] + mm[2] * mm[2]
    }

    fn assert_exact(extent: Corner, spacing: [f64; 3], corners: &[Corner], every: usize) {
        let columns = columns(extent, spacing, corners);
        let mut sweep = Sweep::new(&columns);
        for z in (0..extent[0]).step_by(every) {
            sweep.go_to(z);
            for y in 0..extent[1] {
                let row = sweep.row(y).to_vec();
                for (x, got) in row.into_iter().enumerate() {
                    let all = corners.iter().map(|&to| squared([[z, y, x], to], spacing));
                    let least = all.fold(f64::INFINITY, f64::min);
                    assert_eq!(got, least, "{:?}", [z, y, x]);
                }
            }
        }
    }

    #[test]
    fn nothing_is_near_an_empty_set() {
        let columns = columns([2, 3, 4], [1.0; 3], &[]);
        let mut sweep = Sweep::new(&columns);
        sweep.go_to(1);
        assert_eq!(sweep.row(2), [f64::INFINITY; 4]);
    }

    #[test]
    fn one_corner_is_as_far_as_pythagoras_says() {
        let columns = columns([4, 5, 6], [3.0, 2.0, 0.5], &[[3, 1, 4]]);
        let mut sweep = Sweep::new(&columns);
        sweep.go_to(0);
        assert_eq!(sweep.row(3)[0], 81.0 + 16.0 + 4.0);
        sweep.go_to(3);
        assert_eq!(sweep.row(1)[4], 0.0);
    }

    #[test]
    fn of_equally_near_corners_the_nearest_by_the_last_bit_counts() {
        // Two steps of 0.3 make 0.6, three of 0.2 a little more.
        let corners = [[0, 0, 0], [0, 2, 3], [0, 0, 6]];
        let columns = columns([1, 3, 7], [1.5, 0.3, 0.2], &corners);
        let mut sweep = Sweep::new(&columns);
        sweep.go_to(0);
        assert!((3.0f64 * 0.2).powi(2) > 0.36);
        assert_eq!(sweep.row(0)[3], 0.36);
    }

    fn case() -> impl Strategy<Value = (Corner, Vec<Corner>)> {
        (1..7usize, 1..9usize, 1..12usize).prop_flat_map(|(z, y, x)| {
            let corner = (0..z, 0..y, 0..x).prop_map(|(z, y, x)| [z, y, x]);
            let corners = prop::collection::btree_set(corner, 0..12);
            corners.prop_map(move |corners| ([z, y, x], corners.into_iter().collect()))
        })
    }

    proptest! {
        #[test]
        fn distances_are_those_of_brute_force(
            (extent, corners) in case(),
            spacing in prop::array::uniform3(0.05..4.0f64),
            every in 1..4usize,
        ) {
            assert_exact(extent, spacing, &corners, every);
            assert_exact(extent, [1.0; 3], &corners, every);
            // Where several corners are equally near, but for the last bit.
            assert_exact(extent, [1.5, 0.3, 0.2], &corners, every);
        }
    }
}
