//! Whole cases: values worked out by hand, and what must hold for any.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use molar_metrics::{Error, Mask, Metric, Run, Segmentation, protocol_scores};
use ndarray::Array3;
use proptest::prelude::*;

/// A slice drawn in digits, `.` for background.
fn slice(rows: &[&str]) -> Array3<u8> {
    Array3::from_shape_fn((1, rows.len(), rows[0].len()), |(_, y, x)| {
        match rows[y].as_bytes()[x] {
            b'.' => 0,
            digit => digit - b'0',
        }
    })
}

fn labels(rows: &[&str]) -> Segmentation<i32> {
    Segmentation::from_labels(slice(rows).view()).unwrap()
}

#[test]
fn a_slice_worked_out_by_hand() {
    let reference = labels(&[
        "11.............",
        "11.............",
        "........22.....",
        "........22.....",
        "...............",
        "3..............",
    ]);
    let prediction = labels(&[
        "111............",
        "111............",
        "........2......",
        "........2......",
        "...............",
        "..............4",
    ]);
    let scores = protocol_scores(&reference, &prediction).unwrap();

    // Label 1: 4 of 6 voxels; label 2: 2 of 4, exactly a half, no match; label 3: missed.
    assert_eq!(scores.ia, 1.0 / 4.0);
    assert_eq!(scores.instance_iou, (4.0 / 6.0 + 2.0 / 4.0) / 3.0);
    assert_eq!(scores.instance_dsc, (8.0 / 10.0 + 4.0 / 6.0) / 3.0);
    // All of labels 1 and 2 is within two voxels, nothing of 3.
    assert_eq!(scores.instance_nsd, 2.0 / 3.0);
    // Foreground: 6 shared of 9 and 9.
    assert_eq!(scores.image_dsc, 12.0 / 18.0);
    assert_eq!(scores.image_iou, 6.0 / 12.0);

    // One voxel thick, m × n has flat sides above and below, bevelled edges of √½ a voxel around
    // both, and eight cut corners, √3 together. All of labels 3 and 4 is far.
    let area = |m: f64, n: f64| {
        2.0 * (m - 1.0) * (n - 1.0) + 4.0 * (m + n - 2.0) * 0.5f64.sqrt() + 3f64.sqrt()
    };
    let near = area(2.0, 2.0) * 2.0 + area(2.0, 3.0) + area(2.0, 1.0);
    let nsd = near / (near + 2.0 * area(1.0, 1.0));
    assert!(
        (scores.image_nsd - nsd).abs() < 1e-15,
        "{} is not {nsd}",
        scores.image_nsd
    );

    let presence: Vec<_> = scores
        .labels
        .iter()
        .map(|l| (l.label, l.present_in_reference, l.present_in_prediction))
        .collect();
    let expected = [
        (1, true, true),
        (2, true, true),
        (3, true, false),
        (4, false, true),
    ];
    assert_eq!(presence, expected);
    assert_eq!(scores.labels[0].prediction_voxels, 6);
    assert_eq!(scores.labels[3].prediction_voxels, 1);
    assert_eq!(scores.labels[3].dsc, 0.0);
}

#[test]
fn the_right_tooth_under_the_wrong_label_counts_in_the_image_only() {
    let scores = protocol_scores(&labels(&["11.", "11."]), &labels(&["22.", "22."])).unwrap();
    assert_eq!(
        [scores.image_dsc, scores.image_iou, scores.image_nsd],
        [1.0; 3]
    );
    assert_eq!(
        [
            scores.instance_dsc,
            scores.instance_iou,
            scores.instance_nsd
        ],
        [0.0; 3]
    );
    assert_eq!(scores.ia, 0.0);
}

#[test]
fn an_empty_prediction_scores_zero_throughout() {
    let scores = protocol_scores(&labels(&["12."]), &labels(&["..."])).unwrap();
    assert_eq!(Metric::ALL.map(|metric| scores.value(metric)), [0.0; 7]);
    assert!(
        scores
            .labels
            .iter()
            .all(|label| !label.present_in_prediction)
    );
}

#[test]
fn a_reference_that_nothing_can_match_is_refused() {
    let empty = labels(&["..."]);
    assert_eq!(
        protocol_scores(&empty, &labels(&["1.."])),
        Err(Error::EmptyReference)
    );
    assert_eq!(protocol_scores(&empty, &empty), Err(Error::EmptyReference));

    let tooth = || {
        (
            "11",
            Mask::from_runs(&[Run {
                z: 0,
                y: 0,
                x: 0..2,
            }]),
        )
    };
    let outside = Segmentation::from_masks([1, 1, 3], [tooth(), ("12", Mask::default())]).unwrap();
    let error = protocol_scores(&outside, &outside).unwrap_err();
    assert_eq!(
        error,
        Error::EmptyReferenceLabel {
            label: "\"12\"".into()
        }
    );
}

#[test]
fn another_grid_is_refused_though_it_holds_as_many_voxels() {
    let error = protocol_scores(&labels(&["1.", ".."]), &labels(&["1..."])).unwrap_err();
    assert_eq!(
        error,
        Error::GridMismatch {
            reference: [1, 2, 2],
            prediction: [1, 1, 4]
        }
    );
}

#[test]
fn a_predicted_label_without_a_voxel_still_counts_in_the_union() {
    let tooth = || {
        (
            "11",
            Mask::from_runs(&[Run {
                z: 0,
                y: 0,
                x: 0..2,
            }]),
        )
    };
    let reference = Segmentation::from_masks([1, 1, 3], [tooth()]).unwrap();
    let prediction =
        Segmentation::from_masks([1, 1, 3], [tooth(), ("12", Mask::default())]).unwrap();
    let scores = protocol_scores(&reference, &prediction).unwrap();
    assert_eq!(scores.ia, 0.5);
    assert_eq!(scores.instance_iou, 1.0);
    assert_eq!(scores.image_iou, 1.0);
}

#[test]
fn overlapping_masks_keep_their_voxels_and_shapes_of_one_label_are_united() {
    let run = |x| Mask::from_runs(&[Run { z: 0, y: 0, x }]);
    let reference = [("11", run(0..4)), ("12", run(2..6))];
    let reference = Segmentation::from_masks([1, 1, 8], reference).unwrap();
    let prediction = [("12", run(4..6)), ("11", run(0..4)), ("12", run(2..5))];
    let prediction = Segmentation::from_masks([1, 1, 8], prediction).unwrap();
    assert_eq!(reference.foreground().voxels(), 6);
    assert_eq!(reference, prediction);

    let outside = Segmentation::from_masks([1, 1, 8], [("11", run(6..9))]);
    assert_eq!(outside.unwrap_err(), Error::OutsideGrid { grid: [1, 1, 8] });
}

#[test]
fn a_prediction_reduced_against_another_reference_is_refused() {
    let reference = labels(&["12."]);
    let other = labels(&["1.."]);
    let prediction = Segmentation::from_labels_against(slice(&["12."]).view(), &other).unwrap();
    let error = protocol_scores(&reference, &prediction).unwrap_err();
    assert_eq!(error, Error::MaskNotKept { label: "2".into() });
}

fn volume() -> impl Strategy<Value = Array3<u8>> {
    prop::collection::vec(0..4u8, 3 * 4 * 6).prop_map(|voxels| {
        let small = Array3::from_shape_vec((3, 4, 6), voxels).unwrap();
        // Blocks of twice two voxels in a grid wider than a word.
        Array3::from_shape_fn((3, 10, 80), |(z, y, x)| match (y, x) {
            (1..9, 58..70) => small[[z, (y - 1) / 2, (x - 58) / 2]],
            _ => 0,
        })
    })
}

proptest! {
    #[test]
    fn scores_are_in_range_and_a_case_equals_itself(a in volume(), b in volume()) {
        let [a, b] = [a, b].map(|volume| Segmentation::from_labels(volume.view()).unwrap());
        prop_assume!(!a.is_empty());
        let itself = protocol_scores(&a, &a).unwrap();
        let scores = protocol_scores(&a, &b).unwrap();
        for metric in Metric::ALL {
            prop_assert_eq!(itself.value(metric), 1.0);
            prop_assert!(metric.range().contains(&scores.value(metric)));
        }
    }

    #[test]
    fn image_metrics_and_ia_are_symmetric(a in volume(), b in volume()) {
        let [a, b] = [a, b].map(|volume| Segmentation::from_labels(volume.view()).unwrap());
        prop_assume!(!a.is_empty() && !b.is_empty());
        let (there, back) = (protocol_scores(&a, &b).unwrap(), protocol_scores(&b, &a).unwrap());
        for metric in [Metric::ImageDsc, Metric::ImageIou, Metric::ImageNsd, Metric::Ia] {
            prop_assert_eq!(there.value(metric), back.value(metric));
        }
    }

    #[test]
    fn the_order_of_the_axes_changes_nothing(a in volume(), b in volume()) {
        let scores = |a: ndarray::ArrayView3<'_, u8>, b| {
            let [a, b] = [a, b].map(|volume| Segmentation::from_labels(volume).unwrap());
            protocol_scores(&a, &b)
        };
        prop_assume!(a.iter().any(|&label| label > 0));
        let straight = scores(a.view(), b.view()).unwrap();
        let turned = scores(a.t(), b.t()).unwrap();
        for metric in Metric::ALL {
            prop_assert!((straight.value(metric) - turned.value(metric)).abs() < 1e-14);
        }
    }
}
