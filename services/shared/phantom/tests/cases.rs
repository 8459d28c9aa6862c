use std::collections::BTreeMap;
use std::fs;

use molar_phantom::{CbctOptions, ImageFormat, Manifest, OpgOptions, Track, cbct, opg, write_set};
use molar_volumes::{Format, Label, Reference, nifti};

fn small_opg() -> OpgOptions {
    OpgOptions {
        width: 500,
        height: 300,
        ..OpgOptions::default()
    }
}

fn is_tooth(label: u8) -> bool {
    let (quadrant, place) = (label / 10, label % 10);
    match quadrant {
        1..=4 => (1..=8).contains(&place),
        5..=8 => (1..=5).contains(&place),
        _ => false,
    }
}

#[test]
fn the_same_seed_draws_the_same_bytes() {
    let (one, same) = (opg(4, &small_opg()).unwrap(), opg(4, &small_opg()).unwrap());
    assert_eq!(one.image_bytes, same.image_bytes);
    assert_eq!(one.labelme_json, same.labelme_json);
    assert_ne!(one.image_bytes, opg(5, &small_opg()).unwrap().image_bytes);

    let options = CbctOptions::small();
    let (one, same) = (cbct(4, &options).unwrap(), cbct(4, &options).unwrap());
    assert_eq!(one.image_nii_gz, same.image_nii_gz);
    assert_eq!(one.labels_nii_gz, same.labels_nii_gz);
    assert_ne!(one.labels_nii_gz, cbct(5, &options).unwrap().labels_nii_gz);
}

#[test]
fn every_case_is_a_reference_to_score_by() {
    for seed in 0..6 {
        let case = opg(seed, &small_opg()).unwrap();
        let reference = Reference::read(Format::Labelme, case.labelme_json.as_bytes(), None);
        let labels: Vec<String> = case.labels.iter().map(u8::to_string).collect();
        assert_eq!(spelled(&reference.unwrap()), labels, "seed {seed}");
        assert!(case.labels.iter().all(|&label| is_tooth(label)));

        let case = cbct(seed, &CbctOptions::small()).unwrap();
        let reference = Reference::read(Format::Nifti, case.labels_nii_gz.as_slice(), None);
        let labels: Vec<String> = case.labels.iter().map(u8::to_string).collect();
        assert_eq!(spelled(&reference.unwrap()), labels, "seed {seed}");
        assert!(
            case.labels
                .iter()
                .all(|&label| label < 49 && is_tooth(label))
        );
    }
}

fn spelled(reference: &Reference) -> Vec<String> {
    reference.labels().iter().map(Label::to_string).collect()
}

#[test]
fn the_picture_has_the_size_that_the_reference_states() {
    for (format, extension) in [(ImageFormat::Jpeg, "jpg"), (ImageFormat::Png, "png")] {
        let case = opg(
            1,
            &OpgOptions {
                format,
                ..small_opg()
            },
        )
        .unwrap();
        assert_eq!(case.extension, extension);
        let picture = image::load_from_memory(&case.image_bytes).unwrap();
        assert_eq!((picture.width(), picture.height()), (500, 300));
        let reference: serde_json::Value = serde_json::from_str(&case.labelme_json).unwrap();
        assert_eq!(reference["imageWidth"], 500);
        assert_eq!(reference["imageHeight"], 300);
    }
}

#[test]
fn a_child_has_milk_teeth_and_a_grown_up_has_none() {
    let child = OpgOptions {
        mixed: 1.0,
        ..small_opg()
    };
    assert!(
        opg(1, &child)
            .unwrap()
            .labels
            .iter()
            .any(|&label| label > 50)
    );
    let grown_up = OpgOptions {
        mixed: 0.0,
        missing: 0.0,
        ..small_opg()
    };
    let labels = opg(1, &grown_up).unwrap().labels;
    assert_eq!(labels.len(), 32);
    assert!(labels.iter().all(|&label| label < 49));
}

#[test]
fn the_patients_right_is_on_the_pictures_left() {
    let case = opg(
        2,
        &OpgOptions {
            mixed: 0.0,
            missing: 0.0,
            ..small_opg()
        },
    )
    .unwrap();
    let reference: serde_json::Value = serde_json::from_str(&case.labelme_json).unwrap();
    let mut middles = BTreeMap::new();
    for shape in reference["shapes"].as_array().unwrap() {
        let points = shape["points"].as_array().unwrap();
        let mean = |k: usize| {
            points
                .iter()
                .map(|point| point[k].as_f64().unwrap())
                .sum::<f64>()
                / points.len() as f64
        };
        middles.insert(shape["label"].as_str().unwrap(), (mean(0), mean(1)));
    }
    assert!(middles["16"].0 < middles["11"].0 && middles["11"].0 < middles["26"].0);
    assert!(middles["11"].1 < middles["31"].1);
    assert!(middles["46"].0 < middles["36"].0);
}

#[test]
fn in_a_volume_x_grows_to_the_right_y_backwards_and_z_upwards() {
    let options = CbctOptions {
        missing: 0.0,
        ..CbctOptions::small()
    };
    let case = cbct(3, &options).unwrap();
    assert_eq!(case.labels.len(), 32);
    let labels = nifti::read_labels(case.labels_nii_gz.as_slice(), &nifti::Limits::default());
    let volume = labels.unwrap().segmentation().unwrap();
    let middle = |label: i32| {
        let bounds = volume.mask(&label).unwrap().bounds();
        [0, 1, 2].map(|k| bounds.start[k] + bounds.extent()[k] / 2)
    };
    let ([z16, y16, x16], [_, y11, x11], [.., x26]) = (middle(16), middle(11), middle(26));
    assert!(x16 > x11 && x11 > x26);
    assert!(y16 > y11);
    assert!(z16 > middle(46)[0]);
}

#[test]
fn a_larger_set_begins_with_the_smaller_one() {
    let (few, more) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let track = Track::Opg(small_opg());
    let seen = std::cell::RefCell::new(Vec::new());
    write_set(few.path(), &track, 2, 9, |done| {
        seen.borrow_mut().push(done)
    })
    .unwrap();
    let manifest = write_set(more.path(), &track, 3, 9, |_| {}).unwrap();
    assert_eq!(*seen.borrow(), [1, 2]);

    let written = fs::read(more.path().join("manifest.json")).unwrap();
    assert_eq!(
        serde_json::from_slice::<Manifest>(&written).unwrap(),
        manifest
    );
    assert_eq!(manifest.cases[2].name, "Phantom_0003");
    for case in &manifest.cases[..2] {
        for path in [&case.image, &case.reference] {
            let (a, b) = (few.path().join(path), more.path().join(path));
            assert_eq!(fs::read(a).unwrap(), fs::read(b).unwrap(), "{path}");
        }
    }
}

#[test]
fn options_that_cannot_be_drawn_are_refused() {
    assert!(
        opg(
            1,
            &OpgOptions {
                width: 3,
                ..small_opg()
            }
        )
        .is_err()
    );
    assert!(
        opg(
            1,
            &OpgOptions {
                missing: 1.5,
                ..small_opg()
            }
        )
        .is_err()
    );
    assert!(
        cbct(
            1,
            &CbctOptions {
                dims: [4, 96, 96],
                ..CbctOptions::small()
            }
        )
        .is_err()
    );
    assert!(
        cbct(
            1,
            &CbctOptions {
                spacing_mm: f64::NAN,
                ..CbctOptions::small()
            }
        )
        .is_err()
    );
}
