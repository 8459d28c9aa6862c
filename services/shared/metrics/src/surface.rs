//! How much of one surface lies near another.
//!
//! A surface is a set of voxel corners: corner `c` lies between the voxels `c - 1` and `c` of each axis. It
//! is an element where its eight voxels are neither all inside the mask nor all outside; what lies outside
//! the grid is outside the mask.

use crate::Mask;
use crate::stream::tally_of;

/// Of [`surface_dice`], in voxels.
pub const TOLERANCE: f64 = 2.0;

/// The surface Dice at a tolerance of 2 voxels, NSD in the challenge (Nikolov et al., *Deep learning
/// to achieve clinically applicable segmentation of head and neck anatomy*, 2018).
///
/// (area of A's elements within 2 of one of B's + the same of B's) / (area of A + area of B). One
/// mask empty gives 0, both give `None`. Agrees with DeepMind's surface-distance at unit spacing;
/// areas are summed from the counts per kind of element, so the value is exactly symmetric, and
/// exactly 1 where every element is near.
pub fn surface_dice(a: &Mask, b: &Mask) -> Option<f64> {
    tally_of(a, b).share()
}

/// Area of the surface, in voxel faces.
pub fn surface_area(mask: &Mask) -> f64 {
    tally_of(mask, &Mask::default()).area()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Run, cell};

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

    /// On the grid's first slice and row, and across the border between two words; or at both ends of
    /// rows that fill one or two.
    fn scattered() -> impl Strategy<Value = Mask> {
        let ends = |far: usize| prop_oneof![0..3usize, far - 3..far];
        let x = prop_oneof![
            (55..75usize).boxed(),
            (58..64usize).prop_flat_map(ends).boxed(),
            (122..128usize).prop_flat_map(ends).boxed(),
        ];
        let run = (0..6usize, 0..6usize, x, 1..5usize).prop_map(|(z, y, x, length)| Run {
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
