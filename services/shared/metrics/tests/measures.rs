//! The catalogue applied to whole cases: values worked out by hand, and what must hold for any.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use molar_metrics::{
    Context, Error, Groups, JointCounts, Mask, Measure, Measured, Metric, Run, Segmentation,
    Spacing, measure, protocol_scores,
};
use ndarray::Array3;
use proptest::prelude::*;

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

fn groups() -> Groups<i32> {
    Groups::new([("even", vec![2, 4]), ("odd", vec![1, 3]), ("none", vec![9])]).unwrap()
}

fn context(groups: &Groups<i32>) -> Context<'_, i32> {
    Context {
        spacing: Spacing::new([1.0, 0.5, 2.0]).unwrap(),
        diagonal_mm: 50.0,
        groups,
        joint: None,
        scores: None,
    }
}

fn measured(
    reference: &Segmentation<i32>,
    prediction: &Segmentation<i32>,
    names: &[&str],
) -> Vec<Measured<i32>> {
    let measures: Vec<Measure> = names.iter().map(|name| name.parse().unwrap()).collect();
    measure(reference, prediction, &context(&groups()), &measures).unwrap()
}

fn values(all: &[Measured<i32>]) -> Vec<Option<f64>> {
    all.iter().map(|measured| measured.value).collect()
}

#[test]
fn a_slice_worked_out_by_hand() {
    // Label 1 is right, label 2 moved by one row, label 3 is missed and called 4.
    let reference = labels(&["1.....", "1..2..", "......", "33...."]);
    let prediction = labels(&["1.....", "1.....", "...2..", "44...."]);
    let names = [
        "instance_HD",
        "instance_HD/odd",
        "instance_HD/even",
        "instance_HD/none",
        "instance_NSD@0.5mm",
        "instance_NSD@0.4mm/even",
        "instance_ASSD/even",
        "instance_DSC/odd",
    ];
    let got = measured(&reference, &prediction, &names);
    // A row is half a millimetre: of label 2, half the corners are shared and half are one away.
    assert_eq!(got[0].labels, [(1, 0.0), (2, 0.5), (3, 50.0)]);
    assert_eq!(got[1].labels, [(1, 0.0), (3, 50.0)]);
    let wanted = [
        Some(50.5 / 3.0),
        Some(25.0),
        Some(0.5),
        None,
        Some(2.0 / 3.0),
        Some(0.5),
        Some(0.25),
        Some(0.5),
    ];
    assert_eq!(values(&got), wanted);
}

#[test]
fn a_tooth_under_another_label_is_found_by_any_matching_but_that_of_labels() {
    let reference = labels(&["11..", "11..", "..22", "..22"]);
    let prediction = labels(&["33..", "33..", "...2", "..22"]);
    let names = [
        "PQ",
        "SQ",
        "RQ",
        "detection_precision",
        "detection_recall",
        "detection_F1",
        "PQ@greedy",
        "SQ@greedy",
        "RQ@greedy",
        "PQ@optimal",
        "detection_F1@optimal",
    ];
    let got = values(&measured(&reference, &prediction, &names));
    let by_label = [0.75 / 2.0, 0.75, 0.5, 0.5, 0.5, 0.5];
    let by_iou = [1.75 / 2.0, 1.75 / 2.0, 1.0, 1.75 / 2.0, 1.0];
    let wanted: Vec<_> = by_label.into_iter().chain(by_iou).map(Some).collect();
    assert_eq!(got, wanted);
}

#[test]
fn an_empty_prediction_scores_the_worst_throughout() {
    let measures = Measure::catalogue();
    let (reference, empty) = (labels(&["12."]), labels(&["..."]));
    let groups = groups();
    let got = measure(&reference, &empty, &context(&groups), &measures).unwrap();
    for (measure, measured) in measures.iter().zip(got) {
        assert_eq!(measured.value, Some(measure.worst(50.0)), "{measure}");
    }
}

#[test]
fn a_perfect_prediction_scores_the_best_throughout() {
    let measures = Measure::catalogue();
    let reference = labels(&["12.", "1.4"]);
    let groups = groups();
    let got = measure(&reference, &reference, &context(&groups), &measures).unwrap();
    for (measure, measured) in measures.iter().zip(got) {
        let best = f64::from(u8::from(measure.higher_is_better()));
        assert_eq!(measured.value, Some(best), "{measure}");
    }
}

#[test]
fn overlapping_masks_are_matched_whatever_their_labels() {
    let run = |x| Mask::from_runs(&[Run { z: 0, y: 0, x }]);
    let side = |masks: [(i32, Mask); 2]| Segmentation::from_masks([1, 1, 12], masks).unwrap();
    let reference = side([(1, run(0..6)), (2, run(4..10))]);
    // 3 is 2 but for a voxel; 1 covers six of the nine voxels that it and 1 have in all.
    let prediction = side([(1, run(0..9)), (3, run(5..10))]);
    let names = ["PQ", "PQ@greedy", "detection_recall@optimal"];
    let got = values(&measured(&reference, &prediction, &names));
    let (first, second) = (6.0 / 9.0, 5.0 / 6.0);
    assert_eq!(
        got,
        [Some(first / 2.0), Some((first + second) / 2.0), Some(1.0)]
    );
}

#[test]
fn a_predicted_label_without_a_voxel_is_no_instance() {
    let tooth = || {
        (
            1,
            Mask::from_runs(&[Run {
                z: 0,
                y: 0,
                x: 0..2,
            }]),
        )
    };
    let reference = Segmentation::from_masks([1, 1, 3], [tooth()]).unwrap();
    let prediction = Segmentation::from_masks([1, 1, 3], [tooth(), (2, Mask::default())]).unwrap();
    let got = measured(
        &reference,
        &prediction,
        &["IA", "PQ", "detection_precision@greedy"],
    );
    assert_eq!(values(&got), [Some(0.5), Some(1.0), Some(1.0)]);
}

#[test]
fn a_reduced_prediction_needs_its_joint_counts_for_other_than_its_labels() {
    let reference = labels(&["11.", "11."]);
    let volume = slice(&["22.", "22."]);
    let reduced = Segmentation::from_labels_against(volume.view(), &reference).unwrap();
    let measures = ["PQ", "PQ@greedy"].map(|name| name.parse::<Measure>().unwrap());
    let groups = groups();
    let mut context = context(&groups);
    let by_label = measure(&reference, &reduced, &context, &measures[..1]).unwrap();
    assert_eq!(values(&by_label), [Some(0.0)]);
    let refused = measure(&reference, &reduced, &context, &measures).unwrap_err();
    assert_eq!(refused, Error::MaskNotKept { label: "2".into() });

    let joint = JointCounts::against(&reference, volume.view()).unwrap();
    context.joint = Some(&joint);
    let got = measure(&reference, &reduced, &context, &measures).unwrap();
    assert_eq!(values(&got), [Some(0.0), Some(1.0)]);
}

#[test]
fn what_cannot_be_measured_is_refused() {
    let refused = |reference, names: &[&str]| {
        let measures: Vec<_> = names.iter().map(|name| name.parse().unwrap()).collect();
        measure(
            &reference,
            &labels(&["1.."]),
            &context(&groups()),
            &measures,
        )
        .unwrap_err()
    };
    let unknown = Error::UnknownGroup {
        name: "odds".into(),
    };
    assert_eq!(
        refused(labels(&["1.."]), &["PQ", "instance_HD/odds"]),
        unknown
    );
    assert_eq!(refused(labels(&["..."]), &["PQ"]), Error::EmptyReference);
    assert!(matches!(
        refused(labels(&["1."]), &[]),
        Error::GridMismatch { .. }
    ));
}

fn volume() -> impl Strategy<Value = Array3<u8>> {
    prop::collection::vec(0..5u8, 3 * 4 * 6)
        .prop_map(|voxels| Array3::from_shape_vec((3, 4, 6), voxels).unwrap())
}

proptest! {
    #[test]
    fn the_protocols_measures_are_its_scores(a in volume(), b in volume()) {
        let [a, b] = [a, b].map(|volume| Segmentation::from_labels(volume.view()).unwrap());
        prop_assume!(!a.is_empty());
        let scores = protocol_scores(&a, &b).unwrap();
        let measures = Metric::ALL.map(Measure::from);
        let groups = groups();
        let got = measure(&a, &b, &context(&groups), &measures).unwrap();
        for (metric, measured) in Metric::ALL.into_iter().zip(got) {
            prop_assert_eq!(measured.value, Some(scores.value(metric)));
        }
    }

    #[test]
    fn each_measure_is_the_same_alone_as_among_others(a in volume(), b in volume()) {
        let [a, b] = [a, b].map(|volume| Segmentation::from_labels(volume.view()).unwrap());
        prop_assume!(!a.is_empty());
        let measures = Measure::catalogue();
        let groups = groups();
        let context = context(&groups);
        let all = measure(&a, &b, &context, &measures).unwrap();
        for (one, among) in measures.chunks(1).zip(all) {
            let alone = measure(&a, &b, &context, one).unwrap();
            prop_assert_eq!(&alone[0], &among);
            prop_assert!(one[0].range().contains(&among.value.unwrap()), "{}", one[0]);
        }
    }

    #[test]
    fn panoptic_quality_is_segmentation_times_recognition(a in volume(), b in volume()) {
        let [a, b] = [a, b].map(|volume| Segmentation::from_labels(volume.view()).unwrap());
        prop_assume!(!a.is_empty());
        for matching in ["label", "greedy", "optimal"] {
            let names = ["PQ", "SQ", "RQ"].map(|name| format!("{name}@{matching}"));
            let got = measured(&a, &b, &names.each_ref().map(String::as_str));
            let [pq, sq, rq] = [0, 1, 2].map(|at| got[at].value.unwrap());
            prop_assert!((pq - sq * rq).abs() <= 1e-15);
        }
    }
}
