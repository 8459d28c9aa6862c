//! Surface distances: values of DeepMind's surface-distance, values worked out by hand, and what
//! must hold for any pair of masks.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod nifti;

use std::path::Path;

use molar_metrics::{
    Error, MAX_ELEMENTS, Mask, Run, Side, Spacing, SurfaceDistances, surface_area, surface_dice,
};
use ndarray::Array3;
use proptest::prelude::*;
use serde_json::Value;

fn voxel([z, y, x]: [usize; 3]) -> Mask {
    Mask::from_runs(&[Run { z, y, x: x..x + 1 }])
}

fn spacing(mm: [f64; 3]) -> Spacing {
    Spacing::new(mm).unwrap()
}

fn assert_close(what: &str, got: f64, wanted: f64) {
    let tolerance = 1e-12 * wanted.abs().max(1.0);
    assert!(
        (got - wanted).abs() <= tolerance,
        "{what} is {got}, not {wanted}"
    );
}

#[test]
fn anisotropic_surfaces_agree_with_surface_distance() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../shared/reference");
    if !folder.exists() {
        eprintln!("SKIPPED reference: anisotropic_surfaces_agree_with_surface_distance");
        return;
    }
    let folder = folder.join("edge/cbct");
    let [reference, prediction] = ["reference", "prediction"]
        .map(|side| nifti::read(&folder.join("base").join(side).join("c.nii.gz")));
    let expected = std::fs::read_to_string(folder.join("surface.json")).unwrap();
    let expected: Value = serde_json::from_str(&expected).unwrap();

    let mut compared = 0;
    // The other keys are of an empty mask, where surface-distance has infinity and NaN.
    let base = expected.as_object().unwrap().iter();
    for (key, expected) in base.filter(|(key, _)| key.starts_with("base_")) {
        let label: i32 = key.split('_').nth(1).unwrap().parse().unwrap();
        let mm = [0, 1, 2].map(|axis| expected["spacing_zyx"][axis].as_f64().unwrap());
        let mask = |volume: &Array3<i32>| Mask::from_view(volume.mapv(|v| v == label).view());
        let (a, b) = (mask(&reference), mask(&prediction));
        let distances = SurfaceDistances::between(&a, &b, spacing(mm))
            .unwrap()
            .unwrap();

        let mut assert_value = |name: &str, wanted: &Value, got: f64| {
            let wanted = wanted.as_str().unwrap().parse().unwrap();
            assert_close(&format!("{key} {name}"), got, wanted);
            compared += 1;
        };
        let [area_a, area_b] = distances.areas_mm2();
        assert_value("area_gt", &expected["area_gt"], area_a);
        assert_value("area_pred", &expected["area_pred"], area_b);
        for mm in ["0.0", "0.5", "1.0", "2.0"] {
            let nsd = distances.surface_dice(mm.parse().unwrap());
            assert_value(mm, &expected[format!("nsd@{mm}")], nsd);
        }
        for percent in ["50", "95", "100"] {
            let hd = distances.robust_hausdorff(percent.parse().unwrap());
            assert_value(percent, &expected[format!("hd{percent}")], hd);
        }
        let [there, back] = distances.means();
        assert_value("there", &expected["asd"][0], there);
        assert_value("back", &expected["asd"][1], back);
        let assd = (there * area_a + back * area_b) / (area_a + area_b);
        assert_close("assd", distances.assd(), assd);
        assert_close(
            "hd",
            distances.hausdorff(),
            distances.robust_hausdorff(100.0),
        );
    }
    assert_eq!(compared, 9 * 11);
}

#[test]
fn two_voxels_are_as_far_as_their_corners() {
    // Two steps along x: the four facing corners are one step away, the far ones two.
    let (a, b) = (voxel([4, 0, 62]), voxel([4, 0, 64]));
    let distances = SurfaceDistances::between(&a, &b, spacing([2.0, 3.0, 0.5]))
        .unwrap()
        .unwrap();
    let area = 8.0 * (9.0f64 * 0.25 + 4.0 * 0.25 + 36.0).sqrt() / 8.0;
    assert_eq!(distances.areas_mm2(), [area; 2]);
    assert_eq!(distances.hausdorff(), 1.0);
    assert_eq!(distances.robust_hausdorff(95.0), 1.0);
    // Exactly half of the area is within half a millimetre.
    assert_eq!(distances.robust_hausdorff(50.0), 0.5);
    assert_eq!(distances.robust_hausdorff(50.1), 1.0);
    assert_eq!(distances.means(), [0.75; 2]);
    assert_eq!(distances.assd(), 0.75);
    assert_eq!(distances.surface_dice(0.5), 0.5);
    assert_eq!(distances.surface_dice(0.49), 0.0);
    assert_eq!(distances.surface_dice(1.0), 1.0);
}

#[test]
fn a_plate_and_a_voxel_of_it_differ_by_direction() {
    // The plate is 1 × 1 × 5 voxels; the voxel is its first.
    let plate = Mask::from_runs(&[Run {
        z: 0,
        y: 0,
        x: 0..5,
    }]);
    let distances = SurfaceDistances::between(&plate, &voxel([0; 3]), Spacing::UNIT)
        .unwrap()
        .unwrap();
    let (corner, edge) = (3f64.sqrt() / 8.0, 0.5f64.sqrt());
    let [long, short] = distances.areas_mm2();
    assert_close("area", long, 8.0 * corner + 16.0 * edge);
    assert_close("area", short, 8.0 * corner);
    // Its corners at x = 2, 3, 4 and 5 are 1, 2, 3 and 4 away; those at 0 and 1 are shared.
    let there = 4.0 * (edge * (1.0 + 2.0 + 3.0) + corner * 4.0);
    let [mean, back] = distances.means();
    assert_close("mean", mean, there / long);
    assert_eq!(back, 0.0);
    assert_close("assd", distances.assd(), there / (long + short));
    assert_eq!(distances.hausdorff(), 4.0);
    let near = 4.0 * corner + 8.0 * edge + short;
    assert_close("nsd", distances.surface_dice(1.0), near / (long + short));
}

#[test]
fn nothing_is_far_from_an_empty_mask() {
    let empty = Mask::default();
    for (a, b) in [
        (&empty, &voxel([0; 3])),
        (&voxel([0; 3]), &empty),
        (&empty, &empty),
    ] {
        assert!(
            SurfaceDistances::between(a, b, Spacing::UNIT)
                .unwrap()
                .is_none()
        );
    }
}

#[test]
fn a_volume_of_many_planes_is_swept_as_one() {
    // 300 planes are several pieces; a hollow in the middle is far from everything.
    let column = |x: std::ops::Range<usize>| {
        let runs = (0..300).map(|z| Run {
            z,
            y: 3,
            x: x.clone(),
        });
        Mask::from_runs(&runs.collect::<Vec<_>>())
    };
    let mut cut = Mask::from_runs(&[Run {
        z: 0,
        y: 3,
        x: 2..4,
    }]);
    cut.unite(&voxel([299, 3, 2]));
    let distances = SurfaceDistances::between(&column(2..4), &cut, Spacing::UNIT)
        .unwrap()
        .unwrap();
    // The middle planes of corners, 150 of 0 to 300, between 1 and 299.
    assert_eq!(distances.hausdorff(), 149.0);
}

/// Grid of the random masks; wider than a word.
const GRID: [usize; 3] = [5, 6, 9];

fn mask() -> impl Strategy<Value = Array3<bool>> {
    let voxels = prop::collection::vec(prop::bool::weighted(0.3), GRID.iter().product::<usize>());
    let one = (0..GRID[0], 0..GRID[1], 0..GRID[2]);
    (voxels, one).prop_map(|(voxels, one)| {
        let mut mask = Array3::from_shape_vec(GRID, voxels).unwrap();
        mask[one] = true;
        mask
    })
}

fn between(a: &Array3<bool>, b: &Array3<bool>, mm: [f64; 3]) -> SurfaceDistances {
    let [a, b] = [a, b].map(|mask| Mask::from_view(mask.view()));
    SurfaceDistances::between(&a, &b, spacing(mm))
        .unwrap()
        .unwrap()
}

/// Hausdorff, ASSD, and tolerances and percentiles that no lattice distance falls on.
fn values(distances: &SurfaceDistances) -> Vec<f64> {
    let nsd = [0.123_456, 0.765_432, 1.876_543].map(|mm| distances.surface_dice(mm));
    let hd = [33.3, 77.7, 95.0].map(|percent| distances.robust_hausdorff(percent));
    [
        vec![distances.hausdorff(), distances.assd()],
        nsd.into(),
        hd.into(),
    ]
    .concat()
}

proptest! {
    #[test]
    fn distances_are_symmetric(a in mask(), b in mask(), mm in prop::array::uniform3(0.1..3.0f64)) {
        prop_assert_eq!(values(&between(&a, &b, mm)), values(&between(&b, &a, mm)));
    }

    #[test]
    fn a_mask_is_at_no_distance_from_itself(a in mask(), mm in prop::array::uniform3(0.1..3.0f64)) {
        let itself = between(&a, &a, mm);
        prop_assert_eq!(itself.hausdorff(), 0.0);
        prop_assert_eq!(itself.assd(), 0.0);
        prop_assert_eq!(itself.robust_hausdorff(95.0), 0.0);
        prop_assert_eq!(itself.surface_dice(0.0), 1.0);
    }

    #[test]
    fn no_distance_leaves_its_bounds(
        a in mask(),
        b in mask(),
        mm in prop::array::uniform3(0.1..3.0f64),
        percent in 0.0..100.0f64,
        tolerance in 0.0..5.0f64,
    ) {
        let distances = between(&a, &b, mm);
        let hausdorff = distances.hausdorff();
        prop_assert!(hausdorff <= spacing(mm).diagonal_mm(GRID));
        prop_assert!(distances.robust_hausdorff(percent) <= hausdorff);
        prop_assert!(distances.robust_hausdorff(percent) <= distances.robust_hausdorff(percent + 1.0));
        prop_assert!(distances.means().iter().all(|mean| (0.0..=hausdorff).contains(mean)));
        prop_assert!(distances.assd() <= hausdorff * (1.0 + 1e-15));
        prop_assert!((0.0..=1.0).contains(&distances.surface_dice(tolerance)));
        prop_assert!(distances.surface_dice(tolerance) <= distances.surface_dice(tolerance + 0.1));
        prop_assert_eq!(distances.surface_dice(hausdorff), 1.0);
    }

    #[test]
    fn the_order_of_the_axes_changes_nothing(
        a in mask(),
        b in mask(),
        mm in prop::array::uniform3(0.1..3.0f64),
        axes in prop::sample::select(vec![[0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]]),
    ) {
        let [turned_a, turned_b] =
            [&a, &b].map(|mask| mask.view().permuted_axes(axes).to_owned());
        let turned = between(&turned_a, &turned_b, axes.map(|axis| mm[axis]));
        for (got, wanted) in values(&turned).into_iter().zip(values(&between(&a, &b, mm))) {
            prop_assert!((got - wanted).abs() <= 1e-12, "{} is not {}", got, wanted);
        }
    }

    #[test]
    fn twice_the_spacing_is_twice_as_far(a in mask(), b in mask(), mm in prop::array::uniform3(0.1..3.0f64)) {
        let (once, twice) = (between(&a, &b, mm), between(&a, &b, mm.map(|mm| 2.0 * mm)));
        prop_assert_eq!(twice.hausdorff(), 2.0 * once.hausdorff());
        prop_assert!((twice.assd() - 2.0 * once.assd()).abs() <= 1e-13);
        prop_assert_eq!(twice.surface_dice(2.0), once.surface_dice(1.0));
    }

    #[test]
    fn at_unit_spacing_within_two_it_is_the_protocols_surface_dice(a in mask(), b in mask()) {
        let distances = between(&a, &b, [1.0; 3]);
        let [a, b] = [a, b].map(|mask| Mask::from_view(mask.view()));
        prop_assert_eq!(Some(distances.surface_dice(2.0)), surface_dice(&a, &b));
        prop_assert_eq!(distances.areas_mm2(), [surface_area(&a), surface_area(&b)]);
    }
}

#[test]
fn dust_is_refused_before_its_elements_are_listed() {
    // Every second voxel of every second row: each corner is an element.
    let dust = Array3::from_shape_fn((256, 256, 256), |(z, y, x)| z % 2 + y % 2 + x % 2 == 0);
    let dust = Mask::from_view(dust.view());
    let voxel = Mask::from_runs(&[Run {
        z: 0,
        y: 0,
        x: 0..1,
    }]);
    let refused = |a, b| SurfaceDistances::between(a, b, Spacing::UNIT).unwrap_err();
    for (a, b, side) in [
        (&dust, &voxel, Side::Reference),
        (&voxel, &dust, Side::Prediction),
    ] {
        let limit = MAX_ELEMENTS;
        assert_eq!(refused(a, b), Error::Rough { side, limit });
    }
}
