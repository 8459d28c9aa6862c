//! `molar score` as a process, on files of our own making.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on is a failed test"
)]

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

/// 20 × 20 pixels with a rectangle for each label.
fn rectangles(labelled: &[(&str, [i32; 4])]) -> String {
    let shapes = labelled.iter().map(|(label, [x0, y0, x1, y1])| {
        let points = [[x0, y0], [x1, y0], [x1, y1], [x0, y1]];
        serde_json::json!({"label": label, "points": points, "shape_type": "polygon"})
    });
    let shapes: Vec<_> = shapes.collect();
    serde_json::json!({"imageHeight": 20, "imageWidth": 20, "shapes": shapes}).to_string()
}

/// Two cases: half of tooth 11 and none of 12; all of 21.
fn place() -> TempDir {
    let place = tempfile::tempdir().unwrap();
    let put = |name: &str, content: &str| {
        let path = place.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    };
    let two = rectangles(&[("11", [2, 2, 5, 5]), ("12", [10, 10, 13, 13])]);
    let one = rectangles(&[("21", [2, 2, 5, 5])]);
    put("references/A_Mask.json", &two);
    put("references/B_Mask.json", &one);
    put(
        "predictions/A_Mask.json",
        &rectangles(&[("11", [2, 2, 5, 3])]),
    );
    put("predictions/B_Mask.json", &one);
    place
}

fn score(place: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_molar"));
    command.arg("score").args(arguments).current_dir(place);
    command.output().unwrap()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn json(place: &Path, arguments: &[&str]) -> Value {
    let output = score(place, &[arguments, &["--json"]].concat());
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", said(&output)))
}

fn zip(place: &Path, names: &[&str]) {
    let mut archive = zip::ZipWriter::new(fs::File::create(place.join("p.zip")).unwrap());
    for name in names {
        archive
            .start_file(*name, zip::write::SimpleFileOptions::default())
            .unwrap();
        let file = name.rsplit('/').next().unwrap();
        let content = fs::read(place.join("predictions").join(file)).unwrap_or_default();
        archive.write_all(&content).unwrap();
    }
    archive.finish().unwrap();
}

#[test]
fn folders_and_a_zip_give_the_same_values_whatever_the_jobs() {
    let place = place();
    zip(
        place.path(),
        &["./A_Mask.json", "B_Mask.json", "__MACOSX/._A_Mask.json"],
    );
    let folders = json(place.path(), &["references", "predictions"]);
    assert_eq!(folders["cases"][0]["values"]["instance_IoU"], 0.25);
    assert_eq!(folders["cases"][0]["labels"][0]["IoU"], 0.5);
    assert_eq!(folders["cases"][1]["values"]["IA"], 1.0);
    assert_eq!(folders["mean"]["instance_IoU"], 0.625);
    assert_eq!(json(place.path(), &["references", "p.zip"]), folders);
    for jobs in ["1", "2", "9"] {
        let again = json(place.path(), &["references", "predictions", "--jobs", jobs]);
        assert_eq!(again, folders, "{jobs} jobs");
    }
    assert_eq!(
        code(&score(place.path(), &["references", "predictions"])),
        0
    );
}

#[test]
fn the_table_and_the_csv_have_the_metrics_that_were_asked_for() {
    let place = place();
    let chosen = ["references", "predictions", "--metrics", "IA,image_IoU"];
    let said = |arguments: &[&str]| {
        let output = score(place.path(), arguments);
        String::from_utf8(output.stdout).unwrap()
    };
    let table = said(&chosen);
    let rows: Vec<Vec<_>> = table
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert!(rows.contains(&vec!["A", "0.0000", "0.2500"]), "{table}");
    assert!(rows.contains(&vec!["mean", "0.5000", "0.6250"]), "{table}");
    assert!(!table.contains("NSD"), "{table}");
    let csv = said(&[&chosen[..], &["--csv"]].concat());
    assert_eq!(csv, "case,IA,image_IoU,failure\nA,0,0.25,\nB,1,1,\n");
    let labels = said(&[
        "references/B_Mask.json",
        "predictions/B_Mask.json",
        "--csv",
        "--labels",
    ]);
    assert_eq!(labels, "case,label,DSC,IoU,NSD,is_match\nB,21,1,1,1,true\n");
}

#[test]
fn a_prediction_that_is_missing_or_broken_scores_nothing_and_is_told() {
    let place = place();
    fs::write(place.path().join("predictions/A_Mask.json"), "{").unwrap();
    fs::rename(
        place.path().join("predictions/B_Mask.json"),
        place.path().join("predictions/C_Mask.json"),
    )
    .unwrap();
    let output = score(place.path(), &["references", "predictions"]);
    assert_eq!(code(&output), 3);
    let said = said(&output);
    assert!(
        said.contains("B: there is no prediction of this case"),
        "{said}"
    );
    assert!(said.contains("C_Mask.json belongs to no case"), "{said}");
    let answer = json(place.path(), &["references", "predictions"]);
    assert_eq!(answer["mean"]["image_DSC"], 0.0);
    assert!(answer["cases"][0]["failure"].is_string());
}

#[test]
fn what_cannot_be_scored_at_all_says_why() {
    let place = place();
    let empty = rectangles(&[]);
    fs::write(place.path().join("empty.json"), empty).unwrap();
    fs::create_dir(place.path().join("nothing")).unwrap();
    zip(place.path(), &["folder/A_Mask.json"]);
    let refused = |arguments: &[&str], expected: i32, words: &str| {
        let output = score(place.path(), arguments);
        let said = said(&output);
        assert_eq!(code(&output), expected, "{arguments:?}: {said}");
        assert!(said.contains(words), "{arguments:?}: {said}");
    };
    let good = "predictions/A_Mask.json";
    refused(&["empty.json", good], 4, "the reference has no label");
    refused(
        &["references", good],
        1,
        "give a folder or a zip of predictions",
    );
    refused(&["references/A_Mask.json", "predictions"], 1, "is a folder");
    refused(&["references", "p.zip"], 1, "zip the files themselves");
    refused(
        &["nothing", "predictions"],
        1,
        "holds no .json, .nii.gz or .nii file",
    );
    refused(&["absent.json", good], 4, "absent.json");
    refused(&[good, "absent.json"], 3, "absent.json");
    refused(
        &["references", "predictions", "--metrics", "dice"],
        2,
        "there is no metric \"dice\"",
    );
    refused(
        &["references", "predictions", "--metrics", "instance_HD/odd"],
        1,
        "there is no group \"odd\"; known are canines",
    );
    refused(
        &["references", "predictions", "--group", "odd=eleven"],
        2,
        "write NAME=LABEL,LABEL",
    );
    refused(
        &["references", "predictions", "--pixel-spacing", "0"],
        2,
        "a spacing of 0 mm",
    );
}

#[test]
fn any_measure_a_challenge_can_choose_is_measured_here() {
    let place = place();
    fs::remove_file(place.path().join("predictions/B_Mask.json")).unwrap();
    let metrics = "IA,instance_HD/upper,instance_DSC/lower,PQ";
    let arguments = ["references", "predictions", "--metrics", metrics];
    let answer = json(
        place.path(),
        &[&arguments[..], &["--pixel-spacing", "0.5"]].concat(),
    );
    let values = |case: usize| {
        let values = &answer["cases"][case]["values"];
        ["IA", "instance_HD/upper", "instance_DSC/lower", "PQ"].map(|name| values[name].as_f64())
    };
    // Half of 11 is two rows short, 12 is not there; B is not there at all. None has a lower tooth.
    let diagonal = 0.5 * 800.0_f64.sqrt();
    assert_eq!(
        values(0),
        [Some(0.0), Some((1.0 + diagonal) / 2.0), None, Some(0.0)]
    );
    assert_eq!(values(1), [Some(0.0), Some(diagonal), None, Some(0.0)]);
    assert_eq!(answer["cases"][0]["labels"][0]["HD"], 1.0);
    let odd = ["--metrics", "instance_IoU/odd", "--group", "odd=11,21"];
    let answer = json(place.path(), &[&arguments[..2], &odd].concat());
    assert_eq!(answer["mean"]["instance_IoU/odd"], 0.25);
    let csv = score(
        place.path(),
        &[&arguments[..], &["--csv", "--labels"]].concat(),
    );
    let csv = String::from_utf8(csv.stdout).unwrap();
    assert!(
        csv.starts_with("case,label,DSC,IoU,NSD,is_match,HD\nA,11,"),
        "{csv}"
    );
}

#[test]
fn what_a_zip_would_be_refused_for_is_scored_and_told() {
    let place = place();
    let number = rectangles(&[("21", [2, 2, 5, 5])]).replace("\"21\"", "21");
    fs::write(place.path().join("predictions/B_Mask.json"), number).unwrap();
    let output = score(place.path(), &["references", "predictions"]);
    assert_eq!(code(&output), 3);
    let told = said(&output);
    assert!(
        told.contains(
            "B: the platform refuses this in a zip: /shapes/0/label: label 21 (a number)"
        ),
        "{told}"
    );
    let answer = json(place.path(), &["references", "predictions"]);
    assert_eq!(answer["cases"][1]["values"]["image_DSC"], 1.0);
}

/// The colours of a picture's pixels.
fn colours(picture: &Path) -> BTreeMap<[u8; 3], usize> {
    let picture = image::open(picture).unwrap().into_rgb8();
    assert_eq!(picture.width(), 2152);
    let mut colours = BTreeMap::new();
    for pixel in picture.pixels() {
        *colours.entry(pixel.0).or_default() += 1;
    }
    colours
}

const MISSED: [u8; 3] = [0x56, 0xb4, 0xe9];
const INVENTED: [u8; 3] = [0xd5, 0x5e, 0x00];

#[test]
fn one_case_is_explained_by_a_picture() {
    let place = place();
    let output = score(
        place.path(),
        &["references", "predictions", "--explain", "A", "--csv"],
    );
    assert_eq!(code(&output), 0, "{}", said(&output));
    assert!(said(&output).contains("the picture of A is in A.png"));
    let table = String::from_utf8(output.stdout).unwrap();
    let cases: Vec<_> = table.lines().map(|line| line.split(',').next()).collect();
    assert_eq!(cases, [Some("case"), Some("A")]);
    // Of 20 pixels, each 34 drawn ones wide: half of tooth 11 and all of 12, and the legend's colour.
    let colours = colours(&place.path().join("A.png"));
    let missed = colours[&MISSED] / (34 * 34);
    assert!((24..26).contains(&missed), "{missed}");

    let named = [
        "predictions/B_Mask.json",
        "references/B_Mask.json",
        "--explain",
        "B",
    ];
    let output = score(
        place.path(),
        &[&named[..], &["--explain-to", "A.png"]].concat(),
    );
    assert_eq!(code(&output), 0, "{}", said(&output));
    let colours = self::colours(&place.path().join("A.png"));
    assert!(
        colours[&MISSED] < 34 * 34,
        "the old picture was not replaced"
    );

    // What is in the way may be the case's own image.
    let again = score(
        place.path(),
        &["references", "predictions", "--explain", "A"],
    );
    assert_eq!(code(&again), 1);
    assert!(
        said(&again).contains("A.png is there already"),
        "{}",
        said(&again)
    );
}

#[test]
fn a_volume_is_explained_however_flat_it_is() {
    let place = tempfile::tempdir().unwrap();
    let volume = |name: &str, [z, y, x]: [usize; 3], label: i16| {
        let mut file = fs::File::create(place.path().join(name)).unwrap();
        let volume = ndarray::Array3::from_elem((z, y, x), label);
        molar_volumes::nifti::write_labels(&mut file, volume.view(), [0.3; 3]).unwrap();
    };
    let flat = [[1, 7, 9], [7, 1, 9], [7, 9, 1]].map(|size| (size, vec![0]));
    for (size, predictions) in flat.into_iter().chain([([1, 1, 1], vec![11, 13, 0])]) {
        volume("r.nii.gz", size, 11);
        for prediction in predictions {
            volume("p.nii.gz", size, prediction);
            let files = ["r.nii.gz", "p.nii.gz"];
            let explain = ["--explain", "r", "--explain-to", "r.png"];
            let output = score(place.path(), &[&files[..], &explain].concat());
            assert_eq!(code(&output), 0, "{size:?}: {}", said(&output));
            let colours = colours(&place.path().join("r.png"));
            let is_missed = colours[&MISSED] > 3_000;
            assert_eq!(is_missed, prediction == 0, "{size:?} as {prediction}");
            assert!(colours[&INVENTED] < 1_000, "{size:?} as {prediction}");
        }
    }
}

#[test]
fn without_a_picture_it_is_said_why_and_nothing_is_written() {
    let place = place();
    fs::write(place.path().join("predictions/B_Mask.json"), "{").unwrap();
    fs::create_dir(place.path().join("folder.png")).unwrap();
    let refused = |arguments: &[&str], expected: i32, words: &str| {
        let both = ["references", "predictions"];
        let output = score(place.path(), &[&both, arguments].concat());
        let said = said(&output);
        assert_eq!(code(&output), expected, "{arguments:?}: {said}");
        assert!(said.contains(words), "{arguments:?}: {said}");
    };
    let explain = |case, to| ["--explain", case, "--explain-to", to];
    refused(
        &["--explain", "B"],
        3,
        "B: there is no picture: not a labelme JSON document",
    );
    refused(
        &["--explain", "C"],
        1,
        "there is no case C to explain: there are A, B",
    );
    refused(
        &explain("A", "absent/A.png"),
        1,
        "no picture can be put in absent",
    );
    refused(
        &explain("A", "references/A_Mask.json/A.png"),
        1,
        "no picture can be put in",
    );
    refused(&explain("A", "folder.png"), 1, "folder.png is a folder");
    refused(&explain("A", "A.jpg"), 2, "end its name in .png");
    refused(&["--explain-to", "A.png"], 2, "--explain <CASE>");
    fs::remove_file(place.path().join("predictions/B_Mask.json")).unwrap();
    refused(
        &["--explain", "B"],
        3,
        "B: there is no picture: there is no prediction of this case",
    );
    fs::write(place.path().join("references/B_Mask.json"), rectangles(&[])).unwrap();
    refused(&["--explain", "B"], 4, "the reference has no label");

    let left = fs::read_dir(place.path()).unwrap();
    let mut left: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["folder.png", "predictions", "references"]);
}

#[test]
fn a_case_of_two_formats_cannot_be_explained_by_its_name() {
    let place = place();
    let volume = place.path().join("references/A.nii.gz");
    fs::write(&volume, "").unwrap();
    let arguments = ["references", "predictions", "--explain", "A"];
    let output = score(place.path(), &arguments);
    assert_eq!(code(&output), 1);
    assert!(
        said(&output).contains("give the two files"),
        "{}",
        said(&output)
    );
}

#[test]
fn the_real_cases_have_the_values_of_the_challenge() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/reference");
    if !root.is_dir() {
        eprintln!("SKIPPED reference: the_real_cases_have_the_values_of_the_challenge");
        return;
    }
    let expected: Value =
        serde_json::from_slice(&fs::read(root.join("expected.json")).unwrap()).unwrap();
    let values = &expected["cbct/Validation_0001_Mask.nii.gz"];
    let answer = json(&root, &["cbct/reference", "cbct/prediction"]);
    for (metric, found) in answer["mean"].as_object().unwrap() {
        let (found, wanted) = (found.as_f64().unwrap(), values[metric].as_f64().unwrap());
        assert!(
            (found - wanted).abs() <= 1e-12,
            "{metric}: {found}, not {wanted}"
        );
    }
}
