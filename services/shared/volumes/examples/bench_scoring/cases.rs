//! What is scored: a case of the challenge where it is at hand, and one that is drawn.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::ensure;
use molar_phantom::CbctOptions;
use molar_volumes::nifti;
use ndarray::Array3;

/// Reference and prediction.
pub type Pair = [PathBuf; 2];

pub fn demo(track: &str, extension: &str) -> Option<Pair> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../shared/reference");
    let file = |side: &str| {
        let mut entries = fs::read_dir(root.join(track).join(side)).ok()?.flatten();
        let found = entries.find(|entry| entry.path().to_string_lossy().ends_with(extension));
        Some(found?.path())
    };
    Some([file("reference")?, file("prediction")?])
}

/// Every tooth is there; the prediction is a voxel beside it, without some, and one under another label.
pub fn draw(folder: &Path) -> anyhow::Result<Pair> {
    let options = CbctOptions {
        dims: [512, 512, 400],
        spacing_mm: 0.25,
        missing: 0.0,
        ..CbctOptions::default()
    };
    let case = molar_phantom::cbct(1, &options)?;
    ensure!(case.labels.len() == 32, "{} teeth", case.labels.len());
    let pair = ["reference", "prediction"].map(|side| folder.join(format!("{side}.nii.gz")));
    fs::write(&pair[0], &case.labels_nii_gz)?;
    let volume = nifti::read_labels(&*case.labels_nii_gz, &nifti::Limits::default())?;
    let mut voxels = Array3::<u8>::zeros((400, 512, 512));
    for (mut plane, z) in voxels.outer_iter_mut().zip(0..) {
        for run in volume.plane(z) {
            let label = match run.label {
                18 => 0,
                21 => 22,
                other => u8::try_from(other)?,
            };
            let end = (run.end as usize + 1).min(512);
            for x in run.start as usize + 1..end {
                plane[[run.y as usize, x]] = label;
            }
        }
    }
    nifti::write_labels(File::create(&pair[1])?, voxels.view(), [0.25; 3])?;
    Ok(pair)
}
