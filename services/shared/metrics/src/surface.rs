//! Surfaces as sets of voxel corners, and how much of one lies near another.
//!
//! Corner `c` lies between the voxels `c - 1` and `c` of each axis. It is a surface element where
//! its eight voxels are neither all inside the mask nor all outside; what lies outside the grid is
//! outside the mask.

use crate::{Bounds, Mask, cell};

/// Of [`surface_dice`], in voxels.
pub const TOLERANCE: f64 = 2.0;

/// The ball of [`TOLERANCE`] around a corner, 33 corners, as `(dz, dy, reach along x)`.
const BALL: [(isize, isize, u32); 13] = [
    (0, 0, 2),
    (0, -1, 1),
    (0, 1, 1),
    (-1, 0, 1),
    (1, 0, 1),
    (-1, -1, 1),
    (-1, 1, 1),
    (1, -1, 1),
    (1, 1, 1),
    (0, -2, 0),
    (0, 2, 0),
    (-2, 0, 0),
    (2, 0, 0),
];

/// The surface Dice at a tolerance of 2 voxels, NSD in the challenge (Nikolov et al., *Deep learning
/// to achieve clinically applicable segmentation of head and neck anatomy*, 2018).
///
/// (area of A's elements within 2 of one of B's + the same of B's) / (area of A + area of B). One
/// mask empty gives 0, both give `None`. Agrees with DeepMind's surface-distance at unit spacing;
/// areas are summed from the counts per kind of element, so the value is exactly symmetric, and
/// exactly 1 where every element is near.
pub fn surface_dice(a: &Mask, b: &Mask) -> Option<f64> {
    let crop = a.bounds().union(&b.bounds());
    let (a, b) = (Surface::of(a, crop), Surface::of(b, crop));
    let mut tally = Tally::default();
    tally.add(&a, &b);
    tally.add(&b, &a);

    let all = area(&tally.all);
    (all > 0.0).then(|| area(&tally.near) / all)
}

/// Area of the surface, in voxel faces.
pub fn surface_area(mask: &Mask) -> f64 {
    let mut tally = Tally::default();
    let surface = Surface::of(mask, mask.bounds());
    tally.add(&surface, &surface);
    area(&tally.all)
}

fn area(counts: &[u64; 256]) -> f64 {
    counts
        .iter()
        .zip(cell::areas())
        .map(|(&count, area)| count as f64 * area)
        .sum()
}

/// Number of surface elements of each code.
struct Tally {
    all: [u64; 256],
    near: [u64; 256],
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            all: [0; 256],
            near: [0; 256],
        }
    }
}

impl Tally {
    /// Counts the elements of one surface, and those of them near the other.
    fn add(&mut self, surface: &Surface<'_>, other: &Surface<'_>) {
        surface.each_word(|z, y, at, mut elements| {
            let near = elements & other.reach(z, y, at);
            let corners = surface.corners(z, y, at);
            while elements != 0 {
                let bit = elements.trailing_zeros();
                let code = corners.code(bit);
                self.all[code] += 1;
                self.near[code] += near >> bit & 1;
                elements &= elements - 1;
            }
        });
    }
}

/// The surface elements of a mask, one bit per corner of a crop.
pub(crate) struct Surface<'a> {
    mask: &'a Mask,
    start: [isize; 3],
    depth: usize,
    height: usize,
    per_row: usize,
    words: Vec<u64>,
}

impl<'a> Surface<'a> {
    pub(crate) fn of(mask: &'a Mask, crop: Bounds) -> Self {
        let [depth, height, width] = crop.extent().map(|voxels| voxels + 1);
        let per_row = width.div_ceil(64);
        let start = crop.start.map(|at| at as isize);
        let words = vec![0; depth * height * per_row];
        let mut surface = Self {
            mask,
            start,
            depth,
            height,
            per_row,
            words,
        };
        for z in 0..depth {
            for y in 0..height {
                for at in 0..per_row {
                    let elements = surface.corners(z, y, at).elements();
                    surface.words[(z * height + y) * per_row + at] = elements;
                }
            }
        }
        surface
    }

    /// The voxels around 64 corners of a row of the crop.
    pub(crate) fn corners(&self, z: usize, y: usize, at: usize) -> Corners {
        let [oz, oy, ox] = self.start;
        let (z, y, x) = (oz + z as isize, oy + y as isize, ox + 64 * at as isize);
        Corners(std::array::from_fn(|i| {
            let [dz, dy, dx] = [i >> 2 & 1, i >> 1 & 1, i & 1].map(|bit| bit as isize - 1);
            self.mask.word(z + dz, y + dy, x + dx)
        }))
    }

    pub(crate) fn each_word(&self, mut on_elements: impl FnMut(usize, usize, usize, u64)) {
        for (index, &elements) in self.words.iter().enumerate() {
            if elements != 0 {
                let (row, at) = (index / self.per_row, index % self.per_row);
                on_elements(row / self.height, row % self.height, at, elements);
            }
        }
    }

    /// Which of 64 corners have an element of this surface within the tolerance.
    fn reach(&self, z: usize, y: usize, at: usize) -> u64 {
        BALL.iter().fold(0, |reached, &(dz, dy, dx)| {
            match (z.checked_add_signed(dz), y.checked_add_signed(dy)) {
                (Some(z), Some(y)) if z < self.depth && y < self.height => {
                    let first = (z * self.height + y) * self.per_row;
                    reached | spread(&self.words[first..first + self.per_row], at, dx)
                }
                _ => reached,
            }
        })
    }
}

/// A word of a row with every bit spread to both sides.
fn spread(row: &[u64], at: usize, by: u32) -> u64 {
    let before = if at > 0 { row[at - 1] } else { 0 };
    let after = row.get(at + 1).copied().unwrap_or(0);
    (1..=by).fold(row[at], |bits, by| {
        bits | row[at] << by | before >> (64 - by) | row[at] >> by | after << (64 - by)
    })
}

/// 64 corners of a row: word `4 dz + 2 dy + dx` says which have that voxel inside the mask.
pub(crate) struct Corners([u64; 8]);

impl Corners {
    fn elements(&self) -> u64 {
        let any = self.0.iter().fold(0, |any, word| any | word);
        let all = self.0.iter().fold(u64::MAX, |all, word| all & word);
        any & !all
    }

    pub(crate) fn code(&self, bit: u32) -> usize {
        self.0.iter().enumerate().fold(0, |code, (i, word)| {
            code | ((word >> bit & 1) as usize) << i
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Run;

    fn voxel([z, y, x]: [usize; 3]) -> Mask {
        Mask::from_runs(&[Run { z, y, x: x..x + 1 }])
    }

    fn cuboid(start: [usize; 3], extent: [usize; 3]) -> Mask {
        let rows = |z| (start[1]..start[1] + extent[1]).map(move |y| (z, y));
        let x = start[2]..start[2] + extent[2];
        let runs: Vec<_> = (start[0]..start[0] + extent[0])
            .flat_map(rows)
            .map(|(z, y)| Run { z, y, x: x.clone() })
            .collect();
        Mask::from_runs(&runs)
    }

    #[test]
    fn the_ball_is_that_of_the_tolerance() {
        let mut ball = BALL
            .iter()
            .flat_map(|&(z, y, x)| (-(x as isize)..=x as isize).map(move |x| [z, y, x]))
            .collect::<Vec<_>>();
        ball.sort();
        let near =
            |p: &[isize; 3]| p.iter().map(|d| d * d).sum::<isize>() as f64 <= TOLERANCE.powi(2);
        let all =
            (-3..=3).flat_map(|z| (-3..=3).flat_map(move |y| (-3..=3).map(move |x| [z, y, x])));
        assert_eq!(ball, all.filter(near).collect::<Vec<_>>());
        assert_eq!(ball.len(), 33);
    }

    #[test]
    fn a_voxel_has_eight_corners_wherever_it_lies() {
        let eight = 8.0 * 3f64.sqrt() / 8.0;
        for at in [[0, 0, 0], [3, 5, 63], [3, 5, 64], [9, 0, 127]] {
            assert!((surface_area(&voxel(at)) - eight).abs() < 1e-14, "{at:?}");
        }
        assert_eq!(surface_area(&Mask::default()), 0.0);
    }

    #[test]
    fn a_cuboid_has_flat_sides_bevelled_edges_and_cut_corners() {
        let [z, y, x] = [3.0, 4.0, 70.0].map(|n: f64| n - 1.0);
        let sides = 2.0 * (z * y + y * x + z * x);
        let edges = 4.0 * (z + y + x) * 0.5f64.sqrt();
        let area = surface_area(&cuboid([2, 0, 60], [3, 4, 70]));
        assert!(
            (area - (sides + edges + 3f64.sqrt())).abs() < 1e-12,
            "{area}"
        );
    }

    #[test]
    fn shifted_voxels_are_near_to_the_tolerance_and_no_further() {
        let assert_shifted = |by: [usize; 3], near: f64| {
            let a = voxel([1, 2, 62]);
            let b = voxel([1 + by[0], 2 + by[1], 62 + by[2]]);
            let got = surface_dice(&a, &b).unwrap();
            assert!((got - near / 8.0).abs() < 1e-15, "{by:?}: {got}");
        };
        assert_shifted([0, 0, 0], 8.0);
        assert_shifted([0, 0, 2], 8.0);
        // The facing sides are 2 apart, the far ones 3.
        assert_shifted([0, 0, 3], 4.0);
        assert_shifted([0, 0, 4], 0.0);
        assert_shifted([1, 1, 1], 8.0);
        // From the facing edge it is (1, 1, 0) or (1, 1, 1), from the others (2, 1, 0) or more.
        assert_shifted([2, 2, 1], 2.0);
        // From the facing corner it is (1, 1, 1), from the next (2, 1, 1).
        assert_shifted([2, 2, 2], 1.0);
    }

    #[test]
    fn an_empty_mask_has_no_surface() {
        assert_eq!(surface_dice(&voxel([0; 3]), &Mask::default()), Some(0.0));
        assert_eq!(surface_dice(&Mask::default(), &voxel([0; 3])), Some(0.0));
        assert_eq!(surface_dice(&Mask::default(), &Mask::default()), None);
    }

    /// The surface elements and their codes, corner by corner, as defined.
    fn elements(mask: &Mask) -> Vec<([i64; 3], usize)> {
        let [z, y, x] = [0, 1, 2].map(|axis| mask.bounds().start[axis]..=mask.bounds().end[axis]);
        let corners = z.flat_map(|z| y.clone().map(move |y| (z, y)));
        let corners = corners.flat_map(|(z, y)| x.clone().map(move |x| [z, y, x]));
        let code = |corner: [usize; 3]| {
            let is_inside = |i: usize| {
                let after = [0, 1, 2].map(|axis| corner[axis] + (i >> (2 - axis) & 1));
                after.iter().all(|&c| c > 0) && mask.contains(after.map(|c| c - 1))
            };
            (0..8).filter(|&i| is_inside(i)).map(|i| 1 << i).sum()
        };
        let codes = corners.map(|corner| (corner.map(|c| c as i64), code(corner)));
        codes.filter(|(_, code)| !matches!(code, 0 | 255)).collect()
    }

    fn by_definition(a: &Mask, b: &Mask) -> f64 {
        let (a, b) = (elements(a), elements(b));
        let is_near = |p: [i64; 3], others: &[([i64; 3], usize)]| {
            others
                .iter()
                .any(|(q, _)| (0..3).map(|i| (p[i] - q[i]).pow(2)).sum::<i64>() <= 4)
        };
        let (mut near, mut all) = (0.0, 0.0);
        for (from, to) in [(&a, &b), (&b, &a)] {
            for &(corner, code) in from {
                all += cell::areas()[code];
                near += if is_near(corner, to) {
                    cell::areas()[code]
                } else {
                    0.0
                };
            }
        }
        near / all
    }

    fn scattered() -> impl Strategy<Value = Mask> {
        // Across the border between two words, and on the grid's first slice and row.
        let run =
            (0..6usize, 0..6usize, 55..75usize, 1..5usize).prop_map(|(z, y, x, length)| Run {
                z,
                y,
                x: x..x + length,
            });
        prop::collection::vec(run, 1..30).prop_map(|runs| Mask::from_runs(&runs))
    }

    proptest! {
        #[test]
        fn surface_dice_is_what_its_definition_says(a in scattered(), b in scattered()) {
            let got = surface_dice(&a, &b).unwrap();
            prop_assert!((got - by_definition(&a, &b)).abs() < 1e-13);
            prop_assert_eq!(surface_dice(&b, &a), Some(got));
            prop_assert_eq!(surface_dice(&a, &a), Some(1.0));
        }
    }
}
