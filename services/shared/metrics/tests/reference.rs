//! Values of the challenge's own evaluation code and of DeepMind's surface-distance, to 1e-12.
//!
//! Only what needs no other reader than [`nifti`]; every case of both tracks is compared where the
//! files are read in earnest.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod nifti;

use std::path::{Path, PathBuf};

use molar_metrics::{Error, Mask, Metric, Segmentation, protocol_scores};
use molar_metrics::{surface_area, surface_dice};
use serde_json::Value;

const TOLERANCE: f64 = 1e-12;

/// The folder of reference data, or a word about its absence.
fn reference(test: &str) -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../shared/reference");
    if !folder.exists() {
        eprintln!("SKIPPED reference: {test}");
    }
    folder.exists().then_some(folder)
}

fn json(path: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn assert_scores(case: &str, expected: &Value, reference: &Path, prediction: &Path) {
    let reference = Segmentation::from_labels(nifti::read(reference).view()).unwrap();
    let prediction = nifti::read(prediction);
    let kept = Segmentation::from_labels(prediction.view()).unwrap();
    let reduced = Segmentation::from_labels_against(prediction.view(), &reference).unwrap();
    let scores = protocol_scores(&reference, &kept).unwrap();
    assert_eq!(
        scores,
        protocol_scores(&reference, &reduced).unwrap(),
        "{case}"
    );

    for metric in Metric::ALL {
        let wanted = expected[metric.name()].as_f64().unwrap();
        let got = scores.value(metric);
        assert!(
            (got - wanted).abs() <= TOLERANCE,
            "{case}: {metric} is {got}, not {wanted}"
        );
    }
}

#[test]
fn the_real_cbct_case_scores_as_the_challenge_scored_it() {
    let name = "the_real_cbct_case_scores_as_the_challenge_scored_it";
    let Some(folder) = reference(name) else {
        return;
    };
    let case = "cbct/Validation_0001_Mask.nii.gz";
    let file = |side: &str| folder.join(case.replace('/', &format!("/{side}/")));
    let expected = &json(&folder.join("expected.json"))[case];
    assert_scores(case, expected, &file("reference"), &file("prediction"));
}

#[test]
fn made_cbct_cases_score_as_the_challenge_scores_them() {
    let name = "made_cbct_cases_score_as_the_challenge_scores_them";
    let Some(folder) = reference(name) else {
        return;
    };
    let folder = folder.join("edge/cbct");
    let mut compared = 0;
    for (case, expected) in json(&folder.join("expected.json")).as_object().unwrap() {
        // A NaN voxel makes a file unreadable; the mean over no tooth is refused, below.
        if case.starts_with("float_nan") || expected["instance_DSC"].is_null() {
            continue;
        }
        let file = |side: &str| folder.join(case).join(side).join("c.nii.gz");
        assert_scores(case, expected, &file("reference"), &file("prediction"));
        compared += 1;
    }
    assert_eq!(compared, 30);
}

#[test]
fn what_the_challenge_fails_on_is_refused() {
    let Some(folder) = reference("what_the_challenge_fails_on_is_refused") else {
        return;
    };
    let refused = |case: &str| {
        let file = |side: &str| {
            folder
                .join("edge/cbct")
                .join(case)
                .join(side)
                .join("c.nii.gz")
        };
        let [reference, prediction] = ["reference", "prediction"]
            .map(|side| Segmentation::from_labels(nifti::read(&file(side)).view()).unwrap());
        protocol_scores(&reference, &prediction).unwrap_err()
    };
    assert_eq!(refused("both_empty"), Error::EmptyReference);
    assert_eq!(refused("empty_gt"), Error::EmptyReference);
    for case in ["smaller", "both_empty"].map(|case| format!("size_mismatch_{case}")) {
        assert!(
            matches!(refused(&case), Error::GridMismatch { .. }),
            "{case}"
        );
    }
    for case in ["one_slice", "1x1x1"].map(|case| format!("size_broadcast_{case}")) {
        assert!(
            matches!(refused(&case), Error::GridMismatch { .. }),
            "{case}"
        );
    }
}

#[test]
fn surfaces_at_unit_spacing_agree_with_surface_distance() {
    let name = "surfaces_at_unit_spacing_agree_with_surface_distance";
    let Some(folder) = reference(name) else {
        return;
    };
    let folder = folder.join("edge/cbct");
    let [reference, prediction] = ["reference", "prediction"]
        .map(|side| nifti::read(&folder.join("base").join(side).join("c.nii.gz")));
    let expected = json(&folder.join("surface.json"));

    for label in [11, 21, 48] {
        let expected = &expected[format!("base_{label}_(1, 1, 1)")];
        let number = |key: &str| expected[key].as_str().unwrap().parse::<f64>().unwrap();
        let mask = |volume: &ndarray::Array3<i32>| {
            Mask::from_view(volume.mapv(|value| value == label).view())
        };
        let (a, b) = (mask(&reference), mask(&prediction));
        assert!((surface_area(&a) / number("area_gt") - 1.0).abs() <= TOLERANCE);
        assert!((surface_area(&b) / number("area_pred") - 1.0).abs() <= TOLERANCE);
        assert!((surface_dice(&a, &b).unwrap() - number("nsd@2.0")).abs() <= TOLERANCE);
    }
}
