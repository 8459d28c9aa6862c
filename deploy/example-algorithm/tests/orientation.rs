//! The convention of the algorithm and the phantoms is that of the challenge's own demo case.

use std::fs::File;
use std::path::Path;

use molar_volumes::nifti;

#[test]
fn x_grows_to_the_right_y_backwards_and_z_upwards_in_the_challenges_demo_case() {
    let path = Path::new(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../../shared/reference/cbct/reference/Validation_0001_Mask.nii.gz"
    ));
    if !path.exists() {
        eprintln!(
            "SKIPPED reference: x_grows_to_the_right_y_backwards_and_z_upwards_in_the_challenges_demo_case"
        );
        return;
    }
    let labels = nifti::read_labels(File::open(path).unwrap(), &nifti::Limits::default());
    let volume = labels.unwrap().segmentation().unwrap();
    let middle = |label: i32| {
        let bounds = volume.mask(&label).unwrap().bounds();
        [0, 1, 2].map(|k| bounds.start[k] + bounds.extent()[k] / 2)
    };
    let ([z13, _, x13], [_, y23, x23], [_, y27, _]) = (middle(13), middle(23), middle(27));
    let [z43, _, x43] = middle(43);
    assert!(x13 > x23 && x43 > middle(33)[2]);
    assert!(y27 > y23);
    assert!(z13 > z43);
}
