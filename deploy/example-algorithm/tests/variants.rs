//! The variants, as the demo's teams submit them, on phantoms, scored as the platform scores.

#![expect(clippy::unwrap_used, reason = "helpers of tests may")]

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use molar_example_algorithm::{Params, run};
use molar_phantom::{CbctOptions, Manifest, OpgOptions, Track, opg, write_set};
use molar_volumes::{Format, Reference};

const METRICS: [&str; 7] = [
    "image_DSC",
    "image_IoU",
    "image_NSD",
    "instance_DSC",
    "instance_IoU",
    "instance_NSD",
    "IA",
];

fn variants() -> Vec<(String, Params)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/variants");
    let mut variants: Vec<(String, Params)> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let mut params = Params::default();
            params.read(&fs::read_to_string(&path).unwrap()).unwrap();
            (
                path.file_stem().unwrap().to_string_lossy().into_owned(),
                params,
            )
        })
        .collect();
    variants.sort_by(|a, b| a.0.cmp(&b.0));
    variants
}

/// A folder with nothing but the image, as a container finds it.
fn inputs_with(image: &Path) -> tempfile::TempDir {
    let inputs = tempfile::tempdir().unwrap();
    fs::copy(image, inputs.path().join(image.file_name().unwrap())).unwrap();
    inputs
}

fn mean_scores(dir: &Path, set: &Manifest, format: Format, params: &Params) -> [f64; 7] {
    let mut mean = [0.0; 7];
    for case in &set.cases {
        let inputs = inputs_with(&dir.join(&case.image));
        let outputs = tempfile::tempdir().unwrap();
        let prediction = run(inputs.path(), outputs.path(), params).unwrap();
        let reference = File::open(dir.join(&case.reference)).unwrap();
        let reference = Reference::read(format, reference, None).unwrap();
        let scored = reference
            .score(File::open(prediction).unwrap(), |_| true)
            .unwrap();
        let scores = scored.scores;
        let values = [
            scores.image_dsc,
            scores.image_iou,
            scores.image_nsd,
            scores.instance_dsc,
            scores.instance_iou,
            scores.instance_nsd,
            scores.ia,
        ];
        for (mean, value) in mean.iter_mut().zip(values) {
            *mean += value / set.cases.len() as f64;
        }
    }
    mean
}

fn find_something_and_miss_something(track: &Track, count: usize, format: Format) {
    let dir = tempfile::tempdir().unwrap();
    let set = write_set(dir.path(), track, count, 7, |_| {}).unwrap();
    let scores: Vec<(String, [f64; 7])> = variants()
        .into_iter()
        .map(|(name, params)| (name, mean_scores(dir.path(), &set, format, &params)))
        .collect();
    assert!(scores.len() >= 4);
    for (name, values) in &scores {
        println!("{} {name:8} {values:.4?}", track.name());
        for (metric, value) in METRICS.iter().zip(values) {
            assert!(*value > 0.0 && *value < 1.0, "{name}: {metric} = {value}");
        }
    }
    let best = scores
        .iter()
        .max_by(|a, b| a.1[3].total_cmp(&b.1[3]))
        .unwrap();
    assert_eq!(best.0, "careful", "the defaults should be the best choice");
    assert!(
        best.1[3] > 0.7,
        "most teeth should be found under their number"
    );
    for (k, (name, values)) in scores.iter().enumerate() {
        for (other, their_values) in &scores[..k] {
            // IA is a ratio of small numbers and may tie.
            for metric in 0..6 {
                assert_ne!(
                    values[metric], their_values[metric],
                    "{} of {name} and {other}",
                    METRICS[metric]
                );
            }
        }
    }
}

#[test]
fn opg_variants_have_scores_of_their_own_between_0_and_1() {
    let track = Track::Opg(OpgOptions::default());
    find_something_and_miss_something(&track, 4, Format::Labelme);
}

#[test]
fn cbct_variants_have_scores_of_their_own_between_0_and_1() {
    let track = Track::Cbct(CbctOptions::small());
    find_something_and_miss_something(&track, 5, Format::Nifti);
}

fn binary(inputs: &Path, outputs: &Path, more: &[&str]) -> std::process::Output {
    Command::new(env!("CARGO_BIN_EXE_molar-example-algorithm"))
        .arg("--inputs")
        .arg(inputs)
        .arg("--outputs")
        .arg(outputs)
        .args(more)
        .env("ALGORITHM_SPLIT", "even")
        .output()
        .unwrap()
}

#[test]
fn the_binary_writes_one_file_under_the_protocols_name() {
    let dir = tempfile::tempdir().unwrap();
    let case = opg(1, &OpgOptions::default()).unwrap();
    let image = dir.path().join(format!("Case-7.{}", case.extension));
    fs::write(&image, &case.image_bytes).unwrap();
    let inputs = inputs_with(&image);

    let written = |more: &[&str]| {
        let outputs = tempfile::tempdir().unwrap();
        let run = binary(inputs.path(), outputs.path(), more);
        assert!(
            run.status.success(),
            "{}",
            String::from_utf8_lossy(&run.stderr)
        );
        let names: Vec<PathBuf> = fs::read_dir(outputs.path())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        assert_eq!(names, [outputs.path().join("Case-7_Mask.json")]);
        fs::read(&names[0]).unwrap()
    };
    assert_eq!(
        written(&[]),
        written(&["--split", "even"]),
        "the environment counts"
    );
    assert_ne!(
        written(&[]),
        written(&["--split", "valley"]),
        "arguments win"
    );
}

#[test]
fn what_it_cannot_do_it_says() {
    let empty = tempfile::tempdir().unwrap();
    let outputs = tempfile::tempdir().unwrap();
    let run = binary(empty.path(), outputs.path(), &[]);
    assert!(!run.status.success());
    assert!(String::from_utf8_lossy(&run.stderr).contains("expected one .jpg, .png or .nii.gz"));

    fs::write(empty.path().join("a.nii.gz"), b"not gzip").unwrap();
    assert!(!binary(empty.path(), outputs.path(), &[]).status.success());
    assert!(
        !binary(empty.path(), outputs.path(), &["--split", "sideways"])
            .status
            .success()
    );
}

#[test]
fn a_picture_without_teeth_gives_an_empty_prediction() {
    let dir = tempfile::tempdir().unwrap();
    let image = dir.path().join("blank.png");
    image::GrayImage::from_pixel(400, 240, image::Luma([90]))
        .save(&image)
        .unwrap();
    let inputs = inputs_with(&image);
    let outputs = tempfile::tempdir().unwrap();
    let prediction = run(inputs.path(), outputs.path(), &Params::default()).unwrap();
    let text = fs::read_to_string(prediction).unwrap();
    assert!(text.contains("\"shapes\":[]"), "{text}");
}
